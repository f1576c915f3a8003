/** Which SQLSTATEs are a denial. Anything else is no proof: a tool that counts any error as "blocked" lies. */

import { messageOf, sqlstateOf } from '../../errors.ts'

/**
 * 42501 insufficient_privilege (row-security violations too), 42P01 undefined_table,
 * 3F000 invalid_schema_name. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const refusals: ReadonlySet<string> = new Set(['42501', '42P01', '3F000'])

/**
 * True when the answer says nothing about the statement: the server went away (no SQLSTATE, 08),
 * resources ran out (53), somebody or a limit intervened (57), it rolled back by itself (40, 55P03).
 */
export function isInterruption(sqlstate: string | null): boolean {
  return sqlstate === null || sqlstate === '55P03' || /^(08|40|53|57|58|XX)/.test(sqlstate)
}

/** True when an error is the end of a connection: the server stopped, crashed, or cannot be reached any more. */
export function isConnectionLoss(error: unknown): boolean {
  const cause = (error as { cause?: unknown } | null)?.cause
  if (cause !== undefined) return isConnectionLoss(cause)
  const sqlstate = sqlstateOf(error)
  if (sqlstate !== null) return /^(08|57P0[1-3])/.test(sqlstate)
  return (
    isNetworkError(error) ||
    /^(Connection terminated|the connection has ended|Client has encountered a connection error)/i.test(
      messageOf(error),
    )
  )
}

/** A disk that is full fails in a system call too: only those of the network say that nobody answers. */
function isNetworkError(error: unknown): boolean {
  const { syscall, code } = (error ?? {}) as { syscall?: unknown; code?: unknown }
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true
  return typeof syscall === 'string' && networkCodes.includes(String(code))
}

const networkCodes: readonly string[] = [
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
]

/**
 * True when PostgreSQL said no. COPY FROM has one answer of its own: on a table whose row security
 * applies to the caller it is refused with 0A000 (https://www.postgresql.org/docs/current/sql-copy.html).
 */
export function isRefusal(sqlstate: string | null, sql: string): boolean {
  if (sqlstate === null) return false
  if (refusals.has(sqlstate)) return true
  return sqlstate === '0A000' && /^\s*COPY\b[^]*\bFROM\s+STDIN\b/i.test(sql)
}
