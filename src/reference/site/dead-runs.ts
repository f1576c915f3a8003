/** What a killed run leaves on a server that the user named: the next run knows it for certain and drops it. */

import { sqlstateOf } from '../../errors.ts'
import type { Session } from '../../postgres/session/session.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { roleComment } from '../../dotmac/roles.ts'
import { dropRoles } from './provision.ts'
import { scratchComment } from './scratch.ts'

const keptComment = 'kept for its user by watertight'
/** First half of the lock that a run holds as long as it lives; the second is the number in its prefix. */
const livingRuns = 0x7761_7466

/** True of a name in pg_database or pg_roles whose run holds its lock. Locks of all databases are seen from each. */
const isAlive = (
  name: string,
) => `EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory'
  AND objsubid = 2 AND classid = ${livingRuns} AND objid = (${numberIn(name)}::bigint)::oid)`
const numberIn = (name: string) =>
  `('x' || substring(${name} from '^watertight_([0-9a-f]{8})_'))::bit(32)`
const isOfRun = (name: string) => `${name} ~ '^watertight_[0-9a-f]{8}_'`

/** Taken before anything is created. `prefix` is that of the run's namespace. */
export async function holdLife(admin: Session, prefix: string): Promise<void> {
  await admin.query(`SELECT pg_advisory_lock(${livingRuns}, ${numberIn(literal(prefix))}::int)`)
}

/** For --keep: what is there for good is nobody's leftover. */
export async function markKept(admin: Session, databases: readonly string[]): Promise<void> {
  for (const database of await existing(admin, databases))
    await admin.query(`COMMENT ON DATABASE ${identifier(database)} IS ${literal(keptComment)}`)
}

/**
 * Drops what has our name and our comment, and whose run neither holds its lock nor is connected. Returns the
 * databases. What somebody uses stays.
 */
export async function buryDeadRuns(admin: Session): Promise<readonly string[]> {
  const dead = await admin.query(`SELECT datname AS name FROM pg_catalog.pg_database d
    WHERE ${isOfRun('datname')} AND NOT ${isAlive('datname')}
      AND shobj_description(d.oid, 'pg_database') = ${literal(scratchComment)}
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a
        WHERE a.datid = d.oid AND a.backend_type = 'client backend') ORDER BY 1`)
  const buried: string[] = []
  for (const { name } of dead) if (await isDropped(admin, String(name))) buried.push(String(name))
  const roles = await admin.query(`SELECT rolname AS name FROM pg_catalog.pg_roles
    WHERE ${isOfRun('rolname')} AND NOT ${isAlive('rolname')}
      AND shobj_description(oid, 'pg_authid') = ${literal(roleComment)} ORDER BY 1`)
  await dropRoles(
    admin,
    roles.map(({ name }) => String(name)),
  )
  return buried
}

/** Without FORCE: somebody may have connected meanwhile, or another run may be about to drop the same. */
async function isDropped(admin: Session, name: string): Promise<boolean> {
  try {
    await admin.query(`DROP DATABASE IF EXISTS ${identifier(name)}`)
    return true
  } catch (error) {
    if (sqlstateOf(error) === null) throw error
    return false
  }
}

async function existing(admin: Session, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return []
  const found = await admin.query(
    `SELECT datname AS name FROM pg_catalog.pg_database WHERE datname IN (${names.map(literal).join(', ')})`,
  )
  return found.map(({ name }) => String(name))
}
