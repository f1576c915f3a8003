/** A tenant's own backup: a snapshot of its rows in both databases, counted and hashed before it is called one. */

import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'
import { services, type Service, type TenancyName } from '../../model/tenancy.ts'
import { copyToFile, type CopiedFile } from '../../postgres/copy-files.ts'
import { identifier } from '../../postgres/identifier.ts'
import type { Session } from '../../postgres/session.ts'
import type { MappedTenant } from '../migrations/places.ts'
import { contentOf, tenantTables, type Content, type TenantTable } from './tenant-tables.ts'

export interface BackupOptions {
  readonly tenancy: TenancyName
  readonly tenant: MappedTenant
  /** Sessions that see every row (superuser or BYPASSRLS), not pipelined. */
  readonly sessions: Readonly<Record<Service, Session>>
  /** Made by the backup; must not exist. */
  readonly directory: string
}

export interface ManifestTable extends CopiedFile, Content {
  readonly service: Service
  readonly name: string
  readonly file: string
  readonly columns: readonly string[]
}

export interface Manifest {
  readonly format: 1
  readonly tenancy: TenancyName
  readonly tenant: MappedTenant
  /** When the snapshot of each database was taken, by its own clock, and its write-ahead log position. */
  readonly snapshots: Readonly<Record<Service, { readonly at: string; readonly lsn: string; readonly server: string }>>
  readonly tables: readonly ManifestTable[]
}

/**
 * One REPEATABLE READ transaction for each database, begun one right after the other: each database is consistent in
 * itself; between the two lie the milliseconds that the manifest shows. The directory appears whole or not at all.
 * @throws WatertightError WATERTIGHT_BACKUP_EXISTS, WATERTIGHT_BACKUP_FAILED (also when a file has another number of
 *   rows than the snapshot); nothing is left behind then.
 */
export async function backupTenant(options: BackupOptions): Promise<Manifest> {
  const { directory, sessions, tenant } = options
  if (existsSync(directory)) {
    throw new WatertightError('WATERTIGHT_BACKUP_EXISTS', `There is something at ${directory} already`, {
      hint: 'Give a directory that does not exist yet' })
  }
  const partial = `${directory}.partial`
  try {
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { recursive: true, mode: 0o700 })
    for (const service of services) await sessions[service].query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const snapshots = { management: await snapshotOf(sessions.management), isp: await snapshotOf(sessions.isp) }
    const tables: ManifestTable[] = []
    for (const service of services) {
      await mkdir(join(partial, service), { mode: 0o700 })
      for (const table of tenantTables(service, options.tenancy, tenant)) {
        tables.push(await copyTable(sessions[service], table, partial))
      }
    }
    const manifest: Manifest = { format: 1, tenancy: options.tenancy, tenant, snapshots, tables }
    await writeFile(join(partial, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 })
    await rename(partial, directory)
    return manifest
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined)
    throw new WatertightError('WATERTIGHT_BACKUP_FAILED',
      `Tenant ${JSON.stringify(tenant.id)} was not backed up: ${messageOf(error)}`,
      { hint: 'Nothing was kept; look at rights, disk space and the server', cause: error })
  } finally {
    for (const service of services) await sessions[service].query('ROLLBACK').catch(() => undefined)
  }
}

/** The first query of the transaction takes the snapshot. */
async function snapshotOf(session: Session) {
  const [row] = await session.query(`SELECT clock_timestamp()::text AS at, pg_current_wal_lsn()::text AS lsn,
    current_setting('server_version') AS server`)
  return { at: String(row?.['at']), lsn: String(row?.['lsn']), server: String(row?.['server']) }
}

async function copyTable(session: Session, table: TenantTable, partial: string): Promise<ManifestTable> {
  const { service, name, address, columns, condition } = table
  const file = join(service, `${name}.copy`)
  const list = columns.map(identifier).join(', ')
  const sql = `COPY (SELECT ${list} FROM ${address} WHERE ${condition}) TO STDOUT`
  const copied = await copyToFile(session, sql, join(partial, file))
  const content = await contentOf(session, table)
  if (copied.rows !== content.rows) {
    throw new Error(`${address} has ${content.rows} rows of the tenant, and ${copied.rows} were copied`)
  }
  return { service, name, file, columns, ...copied, ...content }
}
