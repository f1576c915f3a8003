/** Says what a lost connection means: the server died, or only we were cut off. */

import { setTimeout } from 'node:timers/promises'
import { messageOf, WatertightError } from '../errors.ts'
import { isConnectionLoss } from '../postgres/session/sqlstate.ts'
import type { RunContext } from './running.ts'

/** How long the end of a server's process may be in coming after that of its connections. */
const deathNoticeMs = 1_000

/** A connection ends a moment before the process behind it does; which of both it was decides what is said. */
export async function nameLoss({ open }: RunContext, error: unknown): Promise<unknown> {
  if (!isConnectionLoss(error)) return error
  for (let waited = 0; waited < deathNoticeMs && open.died() === null; waited += 50)
    await setTimeout(50)
  return new WatertightError(
    'WATERTIGHT_CONNECTION_LOST',
    `${open.server.label}: ${messageOf(error)}`,
    {
      hint: 'The server stopped, restarted or crashed in the middle; its log says why',
      cause: error,
    },
  )
}
