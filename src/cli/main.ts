/** The command line: every command is one file, loaded when it is called, so that --help is quick. */

import { Command, CommanderError } from 'commander'
import { addCheck } from './check.ts'
import { addDotmac } from './dotmac.ts'
import { addExecuted } from './executed.ts'
import { addReplay } from './replay.ts'
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
  for (const command of ['run', 'verify', 'prove', 'bench', 'seed'] as const)
    addExecuted(program, command, finish)
  addCheck(program, finish)
  addReplay(program, finish)
  addDotmac(program, finish)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    return reportFailure(error)
  }
}
