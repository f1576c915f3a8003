/** A server that the pg_dump of this machine can read. */

import { supportedMajors } from '../postgres/server/old-minors.ts'
import { findPgDump } from '../postgres/programs/pg-dump.ts'
import { leftOut, minorAtHand, type MinorAtHand } from './minor-at-hand.ts'

/** One of the major version of pg_dump, which refuses what is newer. */
export async function dumpableServer(): Promise<MinorAtHand> {
  const dump = await findPgDump(supportedMajors.from * 10_000)
  if (dump === null) return leftOut(`no pg_dump ${supportedMajors.from} or newer is installed`)
  return minorAtHand(Math.min(dump.major, supportedMajors.to))
}
