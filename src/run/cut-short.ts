/** Names what ended a run early: the exit code follows from the kind, so a bug of ours is never called inconclusive. */

import { messageOf, sqlstateOf, WatertightError } from '../errors.ts'
import type { CutShort } from '../model/report.ts'
import { isConnectionLoss } from '../postgres/session/sqlstate.ts'

/** Codes of errors that say the server, or the way to it, is gone. */
const serverCodes: readonly string[] = [
  'WATERTIGHT_CONNECTION_LOST',
  'WATERTIGHT_UNREACHABLE',
  'WATERTIGHT_LOGIN_REFUSED',
  'WATERTIGHT_SERVER_FAILED',
]

/** Classes of SQLSTATE in which the SQL itself is wrong; our SQL is fixed, so that is a bug of ours. */
const ownClasses: readonly string[] = ['0A', '21', '22', '2F', '34', '42', 'P0']

/** What a stage that threw is told as. */
export function cutShortOf(error: unknown, where: string): CutShort {
  return { by: kindOf(error), text: `${where}: ${messageOf(error)}` }
}

/** Null while the server lives, or when it is not ours to watch. */
export function deathOf(open: { died(): string | null }): CutShort | null {
  const text = open.died()
  return text === null ? null : { by: 'server', text }
}

function kindOf(error: unknown): CutShort['by'] {
  if (isConnectionLoss(error)) return 'server'
  if (error instanceof WatertightError) {
    if (error.exitCode === 70) return 'bug'
    return serverCodes.includes(error.code) ? 'server' : 'error'
  }
  const sqlstate = sqlstateOf(error)
  if (sqlstate !== null) return ownClasses.includes(sqlstate.slice(0, 2)) ? 'bug' : 'server'
  const { syscall } = (error ?? {}) as { readonly syscall?: unknown }
  return syscall === undefined ? 'bug' : 'error'
}
