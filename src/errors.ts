/** One family of errors: a stable code, one sentence with the values in it, and the next step. */

import type { ErrorCode } from './model/error-code.ts'
import type { ExitCode } from './model/report.ts'

export interface WatertightErrorOptions {
  readonly hint: string
  readonly cause?: unknown
  /** Exit code the CLI uses when this error ends the command. Default 2: nothing was judged. */
  readonly exitCode?: ExitCode
}

export class WatertightError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly exitCode: ExitCode

  constructor(code: ErrorCode, sentence: string, options: WatertightErrorOptions) {
    super(sentence, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'WatertightError'
    this.code = code
    this.hint = options.hint
    this.exitCode = options.exitCode ?? 2
  }
}

/** SQLSTATE of a driver error, null when the server never answered. */
export function sqlstateOf(error: unknown): string | null {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown }
  // EPIPE has five letters too, but no server sent it.
  if (syscall !== undefined) return null
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null
}

/** What was thrown, as an error: anything can be thrown. */
export function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(String(failure))
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
