/**
 * One snapshot over two databases. Databases of a cluster share their transaction ids, so two snapshots
 * with the same text see the same set of committed transactions: that is the same point, and it is asked
 * for again, blocking nobody, until it is met or the tries are used up.
 */

import type { Service } from '../../model/tenancy.ts'
import type { Session } from '../../postgres/session/session.ts'

export interface SnapshotFacts {
  readonly systemIdentifier: string
  readonly serverVersion: string
  readonly snapshot: string
  readonly lsn: string
  readonly takenAt: string
}

export interface BothSnapshots {
  readonly samePoint: boolean
  readonly facts: ReadonlyMap<Service, SnapshotFacts>
}

const triesMax = 50

/**
 * Begins a REPEATABLE READ, READ ONLY transaction in every session, as close together as possible. They
 * stay open. https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
 */
export async function beginTogether(
  sessions: ReadonlyMap<Service, Session>,
): Promise<BothSnapshots> {
  for (let left = triesMax; ; left -= 1) {
    const facts = new Map(
      await Promise.all(
        [...sessions].map(async ([service, session]) => {
          await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
          return [service, await factsOf(session)] as const
        }),
      ),
    )
    const samePoint =
      new Set([...facts.values()].map((each) => `${each.systemIdentifier} ${each.snapshot}`))
        .size === 1
    const oneServer = new Set([...facts.values()].map((each) => each.systemIdentifier)).size === 1
    if (samePoint || !oneServer || left <= 1) return { samePoint, facts }
    for (const session of sessions.values()) await session.query('ROLLBACK')
  }
}

async function factsOf(session: Session): Promise<SnapshotFacts> {
  const [row] =
    await session.query(`SELECT pg_current_snapshot() AS snapshot, pg_current_wal_insert_lsn() AS lsn,
    to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS taken,
    (SELECT system_identifier FROM pg_control_system()) AS system, current_setting('server_version') AS version`)
  const text = (name: string) => String(row?.[name])
  return {
    snapshot: text('snapshot'),
    lsn: text('lsn'),
    takenAt: text('taken'),
    systemIdentifier: text('system'),
    serverVersion: text('version').split(' ')[0] ?? '',
  }
}
