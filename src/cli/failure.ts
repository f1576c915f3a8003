/** Errors on stderr: code, sentence, hint; the exit code follows from the error. */

import { messageOf, WatertightError } from '../errors.ts'

export function reportFailure(error: unknown): number {
  if (error instanceof WatertightError) {
    process.stderr.write(`${error.code}: ${error.message}\n  hint: ${error.hint}\n`)
    return error.exitCode
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
  process.stderr.write(
    `WATERTIGHT_INTERNAL: ${stack}\n  hint: this is a bug in watertight; please report it with the lines above\n`,
  )
  return 70
}
