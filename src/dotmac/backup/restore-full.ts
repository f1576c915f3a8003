/** Puts a full backup back into two empty databases: by psql what pg_dump wrote, by COPY what COPY wrote. */

import { join } from 'node:path'
import { messageOf, sqlstateOf, WatertightError } from '../../errors.ts'
import { services, type Service } from '../../model/tenancy.ts'
import { copyFromFile } from '../../postgres/session/copy-file.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { hashOfFile } from '../../postgres/programs/pg-dump.ts'
import { PsqlTransaction } from '../../postgres/programs/psql.ts'
import type { Session } from '../../postgres/session/session.ts'
import { openBackupSession, seeingAll, type BackupPlatform } from './backup-platform.ts'
import { requireRoles } from './cluster-roles.ts'
import { everyTable, shapeOf, type LiveTable } from './every-table.ts'
import type { DatabaseEntry, Manifest } from './manifest.ts'
import { advanceSequences } from './sequences.ts'
import { countAndHash, countAndHashSql } from './tenant-tables.ts'
import { mismatch, verifyFiles } from './verify-backup.ts'

export interface RestoreFullOptions {
  /** Directory of the backup. */
  readonly from: string
  /** Makes the roles that the server lacks, without passwords. Default: they are an error. */
  readonly createRoles?: boolean
}

export interface RestoredWhole {
  readonly service: Service
  readonly tables: number
  readonly rows: number
}

/**
 * A dump wants databases without tables and the roles that the manifest names; COPY files want databases that are
 * migrated and whose tables are empty. Files, and both databases, are looked at before either is changed. Each
 * database is one transaction, counts and hashes are proved at its end, and the two commit only when both are proved.
 * @throws WatertightError WATERTIGHT_BACKUP_MISMATCH, WATERTIGHT_RESTORE_NOT_EMPTY, WATERTIGHT_ROLES_MISSING,
 *   WATERTIGHT_RESTORE_FAILED, WATERTIGHT_PSQL, WATERTIGHT_RIGHTS.
 */
export async function restoreFull(
  platform: BackupPlatform,
  manifest: Manifest,
  { from, createRoles = false }: RestoreFullOptions,
): Promise<readonly RestoredWhole[]> {
  if (manifest.tenancy !== platform.tenancy)
    throw mismatch(`it was taken under ${manifest.tenancy}`)
  await using management = await openBackupSession(platform, 'management')
  await using isp = await openBackupSession(platform, 'isp')
  const sessions: Readonly<Record<Service, Session>> = { management, isp }
  await verifyFullFiles(from, manifest)
  const isDump = manifest.method !== 'copy'
  for (const service of services)
    await requireRoom(sessions[service], entryOf(manifest, service), isDump)
  // Databases that are migrated have their roles.
  const roles = isDump ? (manifest.roles ?? []) : []
  for (const service of services)
    await requireRoles(sessions[service], roles, { create: createRoles })
  const filled: Filled[] = []
  try {
    for (const service of services) {
      const entry = entryOf(manifest, service)
      filled.push(
        isDump
          ? await playDump(platform, service, { entry, from })
          : await copyBack(sessions[service], entry, from),
      )
    }
    for (const each of filled) await each.commit()
  } finally {
    for (const each of filled) await each[Symbol.asyncDispose]()
  }
  return services.map((service) => {
    const { tables } = entryOf(manifest, service)
    return { service, tables: tables.length, rows: tables.reduce((sum, { rows }) => sum + rows, 0) }
  })
}

/** The files of a full backup, without looking at a database. @throws WATERTIGHT_BACKUP_MISMATCH. */
export async function verifyFullFiles(from: string, manifest: Manifest): Promise<void> {
  if (manifest.kind !== 'full') throw mismatch("it is a tenant's own backup, not a full one")
  for (const service of services) entryOf(manifest, service)
  if (manifest.method === 'copy') await verifyFiles(from, manifest)
  else await verifyDumps(from, manifest)
}

/** A database whose rows are back and proved; without commit() it is as it was. */
interface Filled extends AsyncDisposable {
  commit(): Promise<void>
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
    const unreadable = (error: unknown) => {
      throw mismatch(messageOf(error))
    }
    const sha256 = await hashOfFile(join(from, first.file)).catch(unreadable)
    if (sha256 !== first.sha256)
      throw mismatch(`${first.file} is not the file that was written (SHA-256)`)
  }
}

async function requireRoom(session: Session, entry: DatabaseEntry, isDump: boolean): Promise<void> {
  const live = await everyTable(session)
  const refuse = (what: string, hint: string) => {
    throw new WatertightError('WATERTIGHT_RESTORE_NOT_EMPTY', what, { hint })
  }
  if (isDump) {
    const [first] = live
    if (first !== undefined)
      refuse(`There are tables already, ${first.address} among them`, 'Name empty databases')
    return
  }
  if (shapeOf(live) !== entry.schemaVersion) {
    throw mismatch(
      `the tables of ${entry.database} have other columns than those that were backed up`,
    )
  }
  for (const { address } of live.filter(({ schema }) => !isBookkeeping(schema))) {
    const rows = await session.query(`SELECT 1 FROM ${address} LIMIT 1`)
    if (rows.length > 0)
      refuse(`${address} has rows already`, 'Name databases that are migrated and empty')
  }
}

/** The versions of migrations: a migrated database has its own. */
function isBookkeeping(schema: string): boolean {
  return schema === 'dotmac_migrations'
}

/** What psql says when a table is not as the manifest has it. */
const otherRows = 'watertight: other rows in '

async function playDump(
  platform: BackupPlatform,
  service: Service,
  { entry, from }: { readonly entry: DatabaseEntry; readonly from: string },
): Promise<Filled> {
  try {
    return await PsqlTransaction.run({
      address: platform.addresses[service],
      database: platform.databases[service],
      file: join(from, entry.tables[0]?.file ?? ''),
      proof: proofOf(entry),
    })
  } catch (error) {
    const text = messageOf(error)
    if (!text.includes(otherRows)) throw error
    throw mismatch(
      `${text.slice(text.indexOf(otherRows) + otherRows.length).split('"')[0] ?? ''} of ` +
        `${entry.database} came back with other rows`,
    )
  }
}

/**
 * Text that is no number, where a table has not its rows: the cast fails, and with it the transaction. It hangs on n,
 * or the planner would cast it beforehand.
 */
function proofOf({ tables }: DatabaseEntry): string {
  const each = tables.map(({ schema, table, columns, rows, contentHash }, index) => {
    const counted = countAndHashSql(`${identifier(schema)}.${identifier(table)}`, { columns })
    const complaint = literal(
      `${otherRows}table ${index + 1}, ${schema}.${table.replaceAll('"', '')}`,
    )
    return `SELECT CASE WHEN n = ${rows} AND hash = ${literal(contentHash)} THEN 0
      ELSE (${complaint} || left(n::text, 0))::int END FROM (${counted}) counted;`
  })
  return [`${seeingAll};`, ...each].join('\n')
}

/** In a transaction that stays open. */
async function copyBack(session: Session, entry: DatabaseEntry, from: string): Promise<Filled> {
  const undo = async () => {
    await session.query('ROLLBACK').catch(() => undefined)
  }
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
    await refreshViews(session)
    await advanceSequences(
      session,
      (await everyTable(session)).map(({ address }) => ({ address, where: 'true' })),
    )
  } catch (error) {
    await undo()
    if (error instanceof WatertightError) throw error
    throw new WatertightError(
      'WATERTIGHT_RESTORE_FAILED',
      `Restoring ${entry.database} failed (${sqlstateOf(error) ?? 'no SQLSTATE'}): ${messageOf(error)}`,
      { hint: 'Nothing was changed; run the restore again when the cause is gone', cause: error },
    )
  }
  let open = true
  return {
    commit: async () => {
      await session.query('COMMIT')
      open = false
    },
    [Symbol.asyncDispose]: async () => {
      if (open) await undo()
    },
  }
}

/** What stands there now, against what the manifest says. */
async function proved(session: Session, entry: DatabaseEntry): Promise<void> {
  const live = new Map(
    (await everyTable(session)).map((each): [string, LiveTable] => [nameOf(each), each]),
  )
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

/** As their owners, whom policies may bind, so row security has to be on. */
async function refreshViews(session: Session): Promise<void> {
  const views =
    await session.query(`SELECT format('%I.%I', schemaname, matviewname) AS at FROM pg_matviews
    WHERE ispopulated`)
  await session.query('SET LOCAL row_security = on')
  for (const { at } of views) await session.query(`REFRESH MATERIALIZED VIEW ${String(at)}`)
}
