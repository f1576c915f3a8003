/** Puts a tenant's rows of one database back, inside the caller's transaction, and proves it before the commit. */

import { join } from 'node:path'
import { copyFromFile } from '../../postgres/session/copy-file.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { DatabaseEntry } from './manifest.ts'
import { advanceSequences } from './sequences.ts'
import { requireConstraints } from './silenced-checks.ts'
import { countAndHash, type TenantPlace, type TenantTable } from './tenant-tables.ts'
import { mismatch } from './verify-backup.ts'

export interface Replacing {
  readonly place: TenantPlace
  /** In foreign-key order. */
  readonly tables: readonly TenantTable[]
  readonly entry: DatabaseEntry
  readonly directory: string
}

/** True when the tenant's rows already are those of the backup: a restore that was cut off goes on from there. */
export async function isRestored(session: Session, replacing: Replacing): Promise<boolean> {
  // Counting is cheaper than hashing and mostly enough to see that something is missing.
  for (const table of replacing.tables)
    if (!(await hasCount(session, table, replacing))) return false
  for (const table of replacing.tables) if (!(await isSame(session, table, replacing))) return false
  return true
}

async function hasCount(
  session: Session,
  { name, address, where }: TenantTable,
  { entry }: Replacing,
): Promise<boolean> {
  const [row] = await session.query(`SELECT count(*) AS n FROM ${address} WHERE ${where}`)
  return Number(row?.['n']) === entry.tables.find(({ table }) => table === name)?.rows
}

async function isSame(
  session: Session,
  table: TenantTable,
  { entry }: Replacing,
): Promise<boolean> {
  const then = entry.tables.find((each) => each.table === table.name)
  const now = await countAndHash(session, table.address, table)
  return then?.rows === now.rows && then.contentHash === now.contentHash
}

/** With triggers silenced no table's rows hang on another's being written, so those that are right already stay. */
async function changedTables(
  session: Session,
  replacing: Replacing,
): Promise<readonly TenantTable[]> {
  const changed: TenantTable[] = []
  for (const table of replacing.tables) {
    const isRight =
      (await hasCount(session, table, replacing)) && (await isSame(session, table, replacing))
    if (!isRight) changed.push(table)
  }
  return changed
}

/**
 * Deletes the tenant's rows children first and copies the backup's in parents first, of tables that differ; foreign
 * keys are checked at the end: by one query each for a superuser, as deferred constraints for others. Returns the
 * rows stored.
 * @throws WatertightError WATERTIGHT_BACKUP_MISMATCH when what stands there afterwards is not what the manifest says.
 */
export async function replaceRows(session: Session, replacing: Replacing): Promise<number> {
  const { entry, directory } = replacing
  // Triggers would write to the audit trail that is being restored. Off, they take the foreign keys with them,
  // which one query for each key then makes good in less time than a trigger for each row.
  const silenced =
    (await isSuperuser(session)) || (await hasUserTriggers(session, replacing.tables))
  if (silenced) await session.query('SET LOCAL session_replication_role = replica')
  else await session.query('SET CONSTRAINTS ALL DEFERRED')
  const tables = silenced ? await changedTables(session, replacing) : replacing.tables
  for (const { address, where } of [...tables].reverse()) {
    await session.query(`DELETE FROM ${address} WHERE ${where}`)
  }
  let [stored, total] = [0, 0]
  for (const table of tables) {
    const file = entry.tables.find((each) => each.table === table.name)?.file ?? ''
    const names = table.columns.map(({ name }) => identifier(name)).join(', ')
    total += entry.tables.find((each) => each.table === table.name)?.rows ?? 0
    stored += (
      await copyFromFile(
        session,
        `COPY ${table.address} (${names}) FROM STDIN`,
        join(directory, file),
      )
    ).stored
  }
  if (silenced) {
    await session.query('SET LOCAL session_replication_role = origin')
    await requireConstraints(session, replacing.tables)
  } else await session.query('SET CONSTRAINTS ALL IMMEDIATE')
  if (stored !== total) throw mismatch(`${stored} of ${total} rows were stored`)
  if (!(await isRestored(session, replacing)))
    throw mismatch('the rows that were stored are not those of the manifest')
  await refreshOwn(session, replacing.place)
  await advanceSequences(session, replacing.tables)
  return stored
}

function relationList(tables: readonly TenantTable[]): string {
  return tables.map(({ address }) => `${literal(address)}::regclass`).join(', ')
}

/** Triggers of partitions count: rows reach them through their root. */
async function hasUserTriggers(session: Session, tables: readonly TenantTable[]): Promise<boolean> {
  const [row] =
    await session.query(`SELECT EXISTS (SELECT FROM pg_trigger g WHERE NOT g.tgisinternal
    AND g.tgenabled IN ('O', 'A') AND g.tgrelid IN (SELECT p.relid FROM unnest(ARRAY[${relationList(tables)}]) r,
      LATERAL (SELECT r::oid AS relid UNION SELECT relid FROM pg_partition_tree(r)) p)) AS found`)
  return row?.['found'] === 't'
}

async function isSuperuser(session: Session): Promise<boolean> {
  const [row] = await session.query(`SELECT current_setting('is_superuser') AS superuser`)
  return row?.['superuser'] === 'on'
}

/** Roll-ups of the tenant's own schema; those of all tenants' rows are the platform's to refresh. */
async function refreshOwn(session: Session, { tenantSchema }: TenantPlace): Promise<void> {
  if (tenantSchema === null || !(await isSuperuser(session))) return
  const views =
    await session.query(`SELECT format('%I.%I', schemaname, matviewname) AS at FROM pg_matviews
    WHERE ispopulated AND schemaname = ${literal(tenantSchema)}`)
  await session.query('SET LOCAL row_security = on')
  for (const { at } of views) await session.query(`REFRESH MATERIALIZED VIEW ${String(at)}`)
}
