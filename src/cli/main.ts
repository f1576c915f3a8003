/** The command line: every command is one file, loaded when it is called, so that --help is quick. */

import { Command, CommanderError } from 'commander'
import { addCheck } from './check.ts'
import { addDotmac } from './dotmac.ts'
import { addExecuted, type ExecutedCommand } from './executed.ts'
import { addJudge } from './judge.ts'
import { addReplay } from './replay.ts'
import { WatertightError } from '../errors.ts'
import { reportFailure } from './failure.ts'
import { toolVersion } from './version.ts'

/** Returns the exit code; never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('watertight')
    .description(
      'Proves, or disproves, that tenants of a PostgreSQL database cannot reach each other',
    )
    .version(toolVersion())
    .exitOverride()
    .showHelpAfterError('(add --help for the flags)')
    .configureOutput({
      writeErr: (text) => {
        process.stderr.write(text)
      },
    })
  let exitCode = 0
  const finish = (code: number) => {
    exitCode = code
  }
  for (const command of executed) addExecuted(program, command, finish)
  addCheck(program, finish)
  addJudge(program, finish)
  addReplay(program, finish)
  addDotmac(program, finish)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    await forgetGreen(argv, error instanceof CommanderError ? badFlag(error) : error)
    return error instanceof CommanderError ? 2 : reportFailure(error)
  }
}

const executed: readonly ExecutedCommand[] = ['run', 'verify', 'prove', 'bench', 'seed']

function badFlag({ message }: CommanderError): WatertightError {
  const sentence = message.replace(/^error: /, '')
  return new WatertightError('WATERTIGHT_BAD_FLAG', sentence, { hint: 'See --help' })
}

/** A run whose flags are wrong did not start either: reports/latest must not show the one before it. */
async function forgetGreen(argv: readonly string[], error: unknown): Promise<void> {
  const [command = ''] = argv
  // With a directory of its own the run has said so itself; a listing is no run.
  const isSaid =
    error instanceof WatertightError &&
    !['WATERTIGHT_BAD_SETTING', 'WATERTIGHT_BAD_CONFIG', 'WATERTIGHT_BAD_FLAG'].includes(error.code)
  if (!executed.some((name) => name === command) || isSaid || argv.includes('--list')) return
  const flag = argv.findIndex((text) => text === '-o' || text === '--output')
  const output = flag < 0 ? undefined : argv[flag + 1]
  const { noteFailedStart } = await import('../run/store/run-directory.ts')
  const start = { command, startedAt: new Date(), settings: {} }
  noteFailedStart(output ?? process.env['WATERTIGHT_OUTPUT'] ?? 'reports', start, error)
}
