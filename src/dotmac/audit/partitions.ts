/** Retention of the audit trail: one partition per month, made ahead, dropped when too old. */

import { setTimeout as sleep } from 'node:timers/promises'
import { sqlstateOf, WatertightError } from '../../errors.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'

export interface AuditPartitionOptions {
  /** Schema of audit_tenant_access. Default public. */
  readonly schema?: string
  readonly now: Date
  /** Months made ahead of the current one, 0 to 120. */
  readonly ahead: number
  /**
   * Whole months kept before the current one, 0 to 1200; older partitions are dropped, and older entries outside of
   * every month deleted. Default: all are kept.
   */
  readonly keep?: number
  /** How long to wait in ms for transactions that hold the trail; default 30,000. */
  readonly lockWaitMs?: number
}

export interface AuditPartitions {
  readonly created: readonly string[]
  readonly dropped: readonly string[]
  /** Entries that were too old and in no month's partition: from before the first, or of a time that was made up. */
  readonly deleted: number
}

const table = 'audit_tenant_access'
/** Every request writes to the trail, so whoever waits for its lock makes all requests wait: never for longer. */
const attemptMs = 200
const pauseMs = 500

/**
 * Makes the trail partitioned by month of access_time where it is a plain table (rows, policies, grants, indexes and
 * foreign keys are carried over; nobody can write meanwhile, which the first time takes as long as copying the rows),
 * makes the months ahead, drops old ones: one transaction, safe to repeat. Partitions have row security enabled and
 * forced, no policy and no grant, so the only way in is the parent. Entries outside of every month are in a default
 * partition, which is never dropped. Where nothing is to be done, nothing is locked; a lock is waited for in short
 * attempts, between which requests go on. The session must be a superuser's or the owner's.
 * https://www.postgresql.org/docs/current/ddl-partitioning.html
 * @throws WatertightError WATERTIGHT_AUDIT_PARTITIONS for bad bounds, WATERTIGHT_AUDIT_PARTITIONS_BUSY when a
 *   transaction holds the trail for longer than lockWaitMs; nothing is changed by any error.
 */
export async function ensureAuditPartitions(
  session: Session,
  options: AuditPartitionOptions,
): Promise<AuditPartitions> {
  const { schema = 'public', now, ahead, keep, lockWaitMs = 30_000 } = options
  const bounded = (value: number, most: number) =>
    Number.isInteger(value) && value >= 0 && value <= most
  if (!bounded(ahead, 120) || !bounded(keep ?? 0, 1200) || Number.isNaN(now.getTime())) {
    throw new WatertightError(
      'WATERTIGHT_AUDIT_PARTITIONS',
      `Partitions cannot be made for ahead ${ahead} and keep ${keep ?? 'all'}`,
      { hint: 'Give whole months: ahead 0 to 120, keep 0 to 1200, and a valid date' },
    )
  }
  const months = Array.from({ length: (keep ?? 0) + ahead + 1 }, (_, index) =>
    monthOf(now, index - (keep ?? 0)),
  )
  const wanted = { schema, months, dropsOld: keep !== undefined }
  const deadline = Date.now() + lockWaitMs
  for (;;) {
    try {
      return await partitioned(session, wanted)
    } catch (error) {
      // Not to be had now, or two waited for each other.
      if (!['55P03', '40P01'].includes(sqlstateOf(error) ?? '')) throw error
      if (Date.now() >= deadline) throw busy(schema, lockWaitMs, error)
      await sleep(Math.min(pauseMs, deadline - Date.now()))
    }
  }
}

function busy(schema: string, lockWaitMs: number, cause: unknown): WatertightError {
  return new WatertightError(
    'WATERTIGHT_AUDIT_PARTITIONS_BUSY',
    `The trail of the schema ${schema} was held by other transactions for ${lockWaitMs / 1_000} s`,
    {
      hint: 'Nothing was changed. Look for them in pg_stat_activity, and run it again when they have ended',
      cause,
    },
  )
}

interface Wanted {
  readonly schema: string
  readonly months: readonly ReturnType<typeof monthOf>[]
  readonly dropsOld: boolean
}

/** One attempt, whole or not at all. */
async function partitioned(session: Session, wanted: Wanted): Promise<AuditPartitions> {
  const { schema, months, dropsOld } = wanted
  const at = identifier(schema)
  await session.query('BEGIN')
  try {
    if (await isDone(session, wanted)) {
      await session.query('COMMIT')
      return { created: [], dropped: [], deleted: 0 }
    }
    await session.query(
      `SET LOCAL lock_timeout = ${attemptMs}; LOCK TABLE ${at}.${table} IN ACCESS EXCLUSIVE MODE`,
    )
    const [kind] = await session.query(`SELECT relkind FROM pg_class WHERE oid = ${oidOf(schema)}`)
    if (kind?.['relkind'] !== 'p') await session.query(await partitionedSql(session, schema))
    const { missing: created, old: dropped } = differences(
      await partitionsOf(session, schema),
      wanted,
    )
    for (const month of months) {
      const name = nameOf(month)
      if (created.includes(name)) await session.query(monthSql({ schema, name, ...month }))
    }
    for (const name of dropped) await session.query(`DROP TABLE ${at}.${identifier(name)}`)
    const deleted = dropsOld ? await deleteOld(session, wanted) : 0
    await session.query('COMMIT')
    return { created, dropped, deleted }
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

function nameOf({ suffix }: { readonly suffix: string }): string {
  return `${table}_${suffix}`
}

async function partitionsOf(session: Session, schema: string): Promise<readonly string[]> {
  return (
    await session.query(`SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = ${oidOf(schema)}`)
  ).map((row) => String(row['name']))
}

function differences(there: readonly string[], { months, dropsOld }: Wanted) {
  const names = months.map(nameOf)
  const oldest = names[0] ?? ''
  return {
    missing: names.filter((name) => !there.includes(name)),
    old: there.filter((name) => dropsOld && /_y\d{4}m\d{2}$/.test(name) && name < oldest),
  }
}

/** To the owner, whom forced row security binds, the default partition looks empty: then nobody knows. */
async function isDone(session: Session, wanted: Wanted): Promise<boolean> {
  const { schema, dropsOld } = wanted
  const there = await partitionsOf(session, schema)
  const { missing, old } = differences(there, wanted)
  if (missing.length > 0 || old.length > 0 || !there.includes(`${table}_default`)) return false
  if (!dropsOld) return true
  const [row] =
    await session.query(`SELECT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
    AND NOT EXISTS (SELECT FROM ${identifier(schema)}.${table}_default WHERE ${isOld(wanted)}) AS done`)
  return row?.['done'] === 't'
}

function isOld({ months }: Wanted): string {
  return `access_time < ${literal(months[0]?.from ?? '')}`
}

async function deleteOld(session: Session, wanted: Wanted): Promise<number> {
  const at = identifier(wanted.schema)
  await session.query(`ALTER TABLE ${at}.${table}_default NO FORCE ROW LEVEL SECURITY`)
  const [row] = await session.query(`WITH gone AS (
      DELETE FROM ${at}.${table}_default WHERE ${isOld(wanted)} RETURNING 1)
    SELECT count(*) AS n FROM gone`)
  await session.query(`ALTER TABLE ${at}.${table}_default FORCE ROW LEVEL SECURITY`)
  return Number(row?.['n'])
}

function oidOf(schema: string): string {
  return `${literal(`${identifier(schema)}.${table}`)}::regclass`
}

function monthOf(now: Date, offset: number) {
  const first = (month: number) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + month, 1))
  const day = (date: Date) => date.toISOString().slice(0, 10)
  const [from, to] = [day(first(offset)), day(first(offset + 1))]
  const midnight = '00:00:00+00'
  return {
    suffix: `y${from.slice(0, 4)}m${from.slice(5, 7)}`,
    from: `${from} ${midnight}`,
    to: `${to} ${midnight}`,
  }
}

/** Rows of the month that went into the default partition move; else it could not be attached. */
function monthSql({
  schema,
  name,
  from,
  to,
}: {
  schema: string
  name: string
  from: string
  to: string
}): string {
  const at = identifier(schema)
  const month = `access_time >= ${literal(from)} AND access_time < ${literal(to)}`
  return `CREATE TABLE ${at}.${name} (LIKE ${at}.${table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE ${at}.${table}_default NO FORCE ROW LEVEL SECURITY;
WITH moved AS (DELETE FROM ${at}.${table}_default WHERE ${month} RETURNING *)
  INSERT INTO ${at}.${name} SELECT * FROM moved;
ALTER TABLE ${at}.${table} ATTACH PARTITION ${at}.${name} FOR VALUES FROM (${literal(from)}) TO (${literal(to)});
${closedSql(at, `${table}_default`)}
${closedSql(at, name)}`
}

function closedSql(at: string, name: string): string {
  return `DO $$ BEGIN EXECUTE format('ALTER TABLE ${at}.${name} OWNER TO %I',
  (SELECT relowner::regrole::name FROM pg_class WHERE oid = '${at}.${table}'::regclass)); END $$;
ALTER TABLE ${at}.${name} ENABLE ROW LEVEL SECURITY;
ALTER TABLE ${at}.${name} FORCE ROW LEVEL SECURITY;
REVOKE ALL ON ${at}.${name} FROM PUBLIC;`
}

/** The plain table made anew as a partitioned one; everything but its storage is read from the catalogue. */
async function partitionedSql(session: Session, schema: string): Promise<string> {
  const at = identifier(schema)
  const oid = oidOf(schema)
  const texts = async (sql: string) =>
    (await session.query(sql)).map((row) => `${String(row['sql'])};`)
  const name = `${at}.${table}`
  const carried = [
    ...(await texts(`SELECT pg_get_indexdef(indexrelid) AS sql FROM pg_index
      WHERE indrelid = ${oid} AND NOT indisprimary`)),
    ...(await texts(`SELECT
        format('ALTER TABLE ${name} ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)) AS sql
      FROM pg_constraint WHERE conrelid = ${oid} AND contype = 'f'`)),
    ...(await texts(`SELECT format('GRANT %s ON ${name} TO %s', a.privilege_type, CASE WHEN a.grantee = 0 THEN 'PUBLIC'
        ELSE quote_ident(a.grantee::regrole::name) END) AS sql
      FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a WHERE c.oid = ${oid} AND a.grantee <> c.relowner`)),
    ...(await texts(`SELECT format('ALTER TABLE ${name} OWNER TO %I', relowner::regrole::name) AS sql
      FROM pg_class WHERE oid = ${oid}`)),
    ...(await texts(`SELECT format('ALTER TABLE ${name} %s ROW LEVEL SECURITY', v) AS sql FROM pg_class
      CROSS JOIN LATERAL (VALUES ('ENABLE', relrowsecurity), ('FORCE', relforcerowsecurity)) AS m (v, wanted)
      WHERE oid = ${oid} AND m.wanted`)),
    ...(await texts(`SELECT format('CREATE POLICY %I ON ${name} AS %s FOR %s TO %s', policyname, permissive, cmd,
        (SELECT string_agg(CASE r WHEN 'public' THEN 'PUBLIC' ELSE quote_ident(r) END, ', ') FROM unnest(roles) r))
      || coalesce(' USING (' || qual || ')', '') || coalesce(' WITH CHECK (' || with_check || ')', '') AS sql
      FROM pg_policies WHERE schemaname = ${literal(schema)} AND tablename = '${table}'`)),
  ]
  return `ALTER TABLE ${name} RENAME TO ${table}_plain;
CREATE TABLE ${name} (LIKE ${at}.${table}_plain INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
  PRIMARY KEY (tenant_id, id, access_time)) PARTITION BY RANGE (access_time);
CREATE TABLE ${at}.${table}_default PARTITION OF ${name} DEFAULT;
ALTER TABLE ${at}.${table}_plain NO FORCE ROW LEVEL SECURITY;
INSERT INTO ${name} SELECT * FROM ${at}.${table}_plain;
DROP TABLE ${at}.${table}_plain;
${carried.join('\n')}
${closedSql(at, `${table}_default`)}`
}
