/** Puts a full backup back into two empty databases: by psql what pg_dump wrote, by COPY what COPY wrote. */

import { join } from 'node:path'
import { messageOf, sqlstateOf, WatertightError } from '../../errors.ts'
import { services, type Service } from '../../model/tenancy.ts'
import { copyFromFile } from '../../postgres/copy-file.ts'
import { identifier, literal } from '../../postgres/identifier.ts'
import { hashOfFile, runPsql } from '../../postgres/pg-dump.ts'
import type { Session } from '../../postgres/session.ts'
import { openBackupSession, type BackupPlatform } from './backup-platform.ts'
import { everyTable, shapeOf, type LiveTable } from './every-table.ts'
import type { DatabaseEntry, Manifest } from './manifest.ts'
import { countAndHash } from './tenant-tables.ts'
import { mismatch, verifyFiles } from './verify-backup.ts'

export interface RestoredWhole { readonly service: Service; readonly tables: number; readonly rows: number }

/**
 * A dump wants databases without tables (its roles must exist on the server: they are the server's, not a database's);
 * COPY files want databases that are migrated and whose tables are empty. Files, and both databases, are looked at
 * before either is changed; each database is one transaction, management first. Counts and hashes are proved before
 * COPY files are committed, but after a dump is: psql commits by itself, so a mismatch leaves a database to be dropped.
 * @throws WatertightError WATERTIGHT_BACKUP_MISMATCH, WATERTIGHT_RESTORE_NOT_EMPTY, WATERTIGHT_RESTORE_FAILED,
 *   WATERTIGHT_PSQL, WATERTIGHT_RIGHTS.
 */
export async function restoreFull(
  platform: BackupPlatform, manifest: Manifest, { from }: { readonly from: string },
): Promise<readonly RestoredWhole[]> {
  if (manifest.kind !== 'full') throw mismatch('it is a tenant\'s own backup, not a full one')
  if (manifest.tenancy !== platform.tenancy) throw mismatch(`it was taken under ${manifest.tenancy}`)
  const isDump = manifest.method !== 'copy'
  await using management = await openBackupSession(platform, 'management')
  await using isp = await openBackupSession(platform, 'isp')
  const sessions: Readonly<Record<Service, Session>> = { management, isp }
  if (isDump) await verifyDumps(from, manifest)
  else await verifyFiles(from, manifest)
  for (const service of services) await requireRoom(sessions[service], entryOf(manifest, service), isDump)
  const done: RestoredWhole[] = []
  for (const service of services) {
    const [session, entry] = [sessions[service], entryOf(manifest, service)]
    if (isDump) {
      await runPsql({ address: platform.addresses[service], database: platform.databases[service],
        file: join(from, entry.tables[0]?.file ?? '') })
      await proved(session, entry)
    } else await copyBack(session, entry, from)
    done.push({ service, tables: entry.tables.length, rows: entry.tables.reduce((sum, { rows }) => sum + rows, 0) })
  }
  return done
}

function entryOf({ databases }: Manifest, service: Service): DatabaseEntry {
  const entry = databases[service]
  if (entry === undefined) throw mismatch(`it has no ${service} database`)
  return entry
}

/** One file for each database, whose tables all name it. */
async function verifyDumps(from: string, { databases }: Manifest): Promise<void> {
  for (const [first] of Object.values(databases).map(({ tables }) => tables)) {
    if (first === undefined) throw mismatch('a database of it has no tables')
    const unreadable = (error: unknown) => { throw mismatch(messageOf(error)) }
    const sha256 = await hashOfFile(join(from, first.file)).catch(unreadable)
    if (sha256 !== first.sha256) throw mismatch(`${first.file} is not the file that was written (SHA-256)`)
  }
}

async function requireRoom(session: Session, entry: DatabaseEntry, isDump: boolean): Promise<void> {
  const live = await everyTable(session)
  const refuse = (what: string, hint: string) => {
    throw new WatertightError('WATERTIGHT_RESTORE_NOT_EMPTY', what, { hint })
  }
  if (isDump) {
    const [first] = live
    if (first !== undefined) refuse(`There are tables already, ${first.address} among them`, 'Name empty databases')
    return
  }
  if (shapeOf(live) !== entry.schemaVersion) {
    throw mismatch(`the tables of ${entry.database} have other columns than those that were backed up`)
  }
  for (const { address } of live.filter(({ schema }) => !isBookkeeping(schema))) {
    const rows = await session.query(`SELECT 1 FROM ${address} LIMIT 1`)
    if (rows.length > 0) refuse(`${address} has rows already`, 'Name databases that are migrated and empty')
  }
}

/** The versions of migrations: a migrated database has its own. */
function isBookkeeping(schema: string): boolean {
  return schema === 'dotmac_migrations'
}

async function copyBack(session: Session, entry: DatabaseEntry, from: string): Promise<void> {
  await session.query('BEGIN')
  try {
    await session.query('SET LOCAL session_replication_role = replica')
    for (const { schema, table, columns, file } of entry.tables) {
      if (isBookkeeping(schema)) continue
      const names = columns.map(({ name }) => identifier(name)).join(', ')
      const into = `${identifier(schema)}.${identifier(table)}`
      await copyFromFile(session, `COPY ${into} (${names}) FROM STDIN`, join(from, file))
    }
    await proved(session, entry)
    await advanceSequences(session)
    await refreshViews(session)
    await session.query('COMMIT')
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined)
    if (error instanceof WatertightError) throw error
    throw new WatertightError('WATERTIGHT_RESTORE_FAILED',
      `Restoring ${entry.database} failed (${sqlstateOf(error) ?? 'no SQLSTATE'}): ${messageOf(error)}`,
      { hint: 'This database is as it was; run the restore again when the cause is gone', cause: error })
  }
}

/** What stands there now, against what the manifest says. */
async function proved(session: Session, entry: DatabaseEntry): Promise<void> {
  const live = new Map((await everyTable(session)).map((each): [string, LiveTable] => [nameOf(each), each]))
  for (const then of entry.tables) {
    if (isBookkeeping(then.schema)) continue
    const table = live.get(nameOf(then))
    if (table === undefined) throw mismatch(`the table ${nameOf(then)} did not come back`)
    const now = await countAndHash(session, table.address, { columns: then.columns })
    if (now.rows !== then.rows || now.contentHash !== then.contentHash) {
      throw mismatch(`${nameOf(then)} has ${now.rows} rows instead of ${then.rows}, or other rows`)
    }
  }
}

function nameOf({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${schema}.${table}`
}

/** A sequence that a column takes its default from goes on behind the largest value that came back. */
async function advanceSequences(session: Session): Promise<void> {
  const used = await session.query(`SELECT format('%I.%I', n.nspname, c.relname) AS at, a.attname AS column,
      d.refobjid::regclass AS sequence
    FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid AND d.classid = 'pg_attrdef'::regclass
    JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
    JOIN pg_class c ON c.oid = f.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.adnum WHERE NOT c.relispartition`)
  for (const { at, column, sequence } of used) {
    await session.query(`SELECT setval(${literal(String(sequence))}::regclass, m.most) FROM (
      SELECT max(${identifier(String(column))})::bigint AS most FROM ${String(at)}) m WHERE m.most IS NOT NULL`)
  }
}

/** As their owners, whom policies may bind, so row security has to be on. */
async function refreshViews(session: Session): Promise<void> {
  const views = await session.query(`SELECT format('%I.%I', schemaname, matviewname) AS at FROM pg_matviews
    WHERE ispopulated`)
  await session.query('SET LOCAL row_security = on')
  for (const { at } of views) await session.query(`REFRESH MATERIALIZED VIEW ${String(at)}`)
}
