/** Commands that need a server: run, verify, prove, bench, seed. */

import type { Command } from 'commander'
import { definitions, type Settings } from '../config/settings.ts'
import { addSettingFlags, flagsGiven } from './setting-flags.ts'

export type ExecutedCommand = 'run' | 'verify' | 'prove' | 'bench' | 'seed'

const descriptions: Readonly<Record<ExecutedCommand, string>> = {
  run: 'everything: server up, seed, verify, prove, bench, report, gate',
  verify: 'seed and run the leak suites',
  prove: 'apply mutants and controls to clones: does the detector see, and is it silent?',
  bench: 'measure what row security costs, and whether indexes serve it',
  seed: 'create and fill the databases on --target and keep them',
}

const all = Object.keys(definitions) as (keyof Settings)[]

export function addExecuted(
  program: Command,
  name: ExecutedCommand,
  finish: (code: number) => void,
): void {
  const command = program.command(name).description(descriptions[name])
  addSettingFlags(command, all)
  command
    .option('--json', 'print only JSON on stdout')
    .option('--list', 'list the probes and stop')
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
    finish(await executeCommand(name, { flags: flagsGiven(command, all), ...options }))
  })
}
