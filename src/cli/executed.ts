/** Commands that need a server: run, verify, prove, bench, seed. */

import type { Command } from 'commander'
import { settingsOf } from '../config/command-settings.ts'
import { addSettingFlags, flagsGiven } from './setting-flags.ts'

export type ExecutedCommand = 'run' | 'verify' | 'prove' | 'bench' | 'seed'

const descriptions: Readonly<Record<ExecutedCommand, string>> = {
  run: 'everything: server up, seed, verify, prove, bench, report, gate',
  verify: 'seed and run the leak suites',
  prove: 'apply mutants and controls to clones: does the detector see, and is it silent?',
  bench: 'measure what row security costs, and whether indexes serve it',
  seed: 'create and fill the databases on --target and keep them',
}

export function addExecuted(
  program: Command,
  name: ExecutedCommand,
  finish: (code: number) => void,
): void {
  const command = program.command(name).description(descriptions[name])
  const names = settingsOf[name]
  addSettingFlags(command, names)
  if (names.includes('grep')) command.option('--list', 'list the probes and stop; also as --json')
  command
    .option('--json', 'print only JSON on stdout')
    .option('-q, --quiet', 'no progress')
    .option('--no-color', 'no colour')
  command.action(async () => {
    const { executeCommand } = await import('./execute-command.ts')
    const options = command.opts<{
      json?: boolean
      list?: boolean
      quiet?: boolean
      color: boolean
    }>()
    finish(await executeCommand(name, { flags: flagsGiven(command, names), ...options }))
  })
}
