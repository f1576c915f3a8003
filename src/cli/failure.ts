/** Errors on stderr: code, sentence, hint; the exit code follows from the error. */

import { messageOf, WatertightError } from '../errors.ts'

/** What a machine runs out of, wherever that happens: no bug of ours. */
const scarce = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EIO']

export function reportFailure(error: unknown): number {
  if (error instanceof WatertightError) {
    process.stderr.write(`${error.code}: ${error.message}\n  hint: ${error.hint}\n`)
    return error.exitCode
  }
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException
  if (syscall !== undefined && scarce.includes(code ?? '')) {
    process.stderr.write(
      `WATERTIGHT_SYSTEM: ${messageOf(error)}\n` +
        '  hint: free what the system has run out of: disk space, file handles, memory\n',
    )
    return 2
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
  process.stderr.write(
    `WATERTIGHT_INTERNAL: ${stack}\n  hint: this is a bug in watertight; please report it with the lines above\n`,
  )
  return 70
}
