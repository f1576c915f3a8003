/** A tenant's own backup: its rows of both databases at one point, counted and hashed before it is called one. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { WatertightError } from '../../errors.ts'
import { services, type Service } from '../../model/tenancy.ts'
import { copyFromFile, copyToFile } from '../../postgres/session/copy-file.ts'
import { identifier } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import { tenantNames } from '../tenant-names.ts'
import { openBackupSession, type BackupPlatform } from './backup-platform.ts'
import { inDraft } from './draft.ts'
import { manifestFormat, writeManifest, type Manifest, type TableEntry } from './manifest.ts'
import { beginTogether } from './snapshots.ts'
import {
  countAndHash,
  schemaVersionOf,
  tenantSchemaOf,
  tenantTables,
  type TenantPlace,
  type TenantTable,
} from './tenant-tables.ts'

export interface BackupOptions {
  /** Directory that does not exist yet; its parent does. */
  readonly to: string
}

/**
 * Writes one file per table in COPY text format and manifest.json. Blocks no writer; DDL on the tenant's
 * tables waits until it is done.
 * @throws WatertightError WATERTIGHT_TENANT_NAME, WATERTIGHT_TENANT_UNKNOWN, WATERTIGHT_BACKUP_INCOMPLETE,
 *   WATERTIGHT_BACKUP_SHORT, WATERTIGHT_BACKUP_EXISTS, WATERTIGHT_BACKUP_WRITE, WATERTIGHT_RIGHTS.
 */
export async function backupTenant(
  platform: BackupPlatform,
  tenant: string,
  options: BackupOptions,
): Promise<Manifest> {
  tenantNames(tenant)
  await using management = await openBackupSession(platform, 'management')
  await using isp = await openBackupSession(platform, 'isp')
  const sessions = new Map<Service, Session>([
    ['management', management],
    ['isp', isp],
  ])
  const tenantSchema = await tenantSchemaOf(management, platform.tenancy, tenant)
  const place: TenantPlace = { tenancy: platform.tenancy, tenant, tenantSchema }
  return await inDraft(
    options.to,
    async (directory) => await writeTenant({ platform, place, directory, sessions }),
  )
}

interface Writing {
  readonly platform: BackupPlatform
  readonly place: TenantPlace
  readonly directory: string
  readonly sessions: ReadonlyMap<Service, Session>
}

async function writeTenant(writing: Writing): Promise<Manifest> {
  const { platform, place, directory, sessions } = writing
  const tables = new Map<Service, readonly TenantTable[]>()
  for (const [service, session] of sessions) {
    const found = await tenantTables(session, service, place)
    tables.set(service, found)
    await createProofTables(session, found)
  }
  const { samePoint, facts } = await beginTogether(sessions)
  const databases: Partial<Record<Service, NonNullable<Manifest['databases'][Service]>>> = {}
  for (const service of services) {
    const [session, found, fact] = [sessions.get(service), tables.get(service), facts.get(service)]
    if (session === undefined || found === undefined || fact === undefined) continue
    await mkdir(join(directory, service), { mode: 0o700 })
    const entries: TableEntry[] = []
    for (const [index, table] of found.entries()) {
      const proof = `pg_temp.${proofTable(index)}`
      const file = `${service}/${fileName(table, index)}`
      entries.push(await writeTable(session, table, { place, directory, file, proof }))
    }
    databases[service] = {
      database: platform.databases[service],
      ...fact,
      schemaVersion: schemaVersionOf(found),
      tables: entries,
    }
    await session.query('COMMIT')
  }
  const manifest: Manifest = {
    format: manifestFormat,
    kind: 'tenant',
    tenant: place.tenant,
    tenantSchema: place.tenantSchema,
    tenancy: platform.tenancy,
    createdAt: new Date().toISOString(),
    method: 'copy',
    samePoint,
    databases,
  }
  await writeManifest(directory, manifest)
  return manifest
}

/** A read-only transaction may fill temporary tables but not create them. */
async function createProofTables(session: Session, tables: readonly TenantTable[]): Promise<void> {
  for (const [index, { address, columns }] of tables.entries()) {
    const names = columns.map(({ name }) => identifier(name)).join(', ')
    await session.query(`CREATE TEMPORARY TABLE ${proofTable(index)} ON COMMIT DELETE ROWS
      AS SELECT ${names} FROM ${address} WITH NO DATA`)
  }
}

function proofTable(index: number): string {
  return `watertight_proof_${index}`
}

/** The name of a table that a migration added may be one that no file can have. */
function fileName({ name }: TenantTable, index: number): string {
  return /^[a-z0-9_]{1,63}$/.test(name) ? `${name}.copy` : `table-${index}.copy`
}

interface TableWriting extends Pick<Writing, 'place' | 'directory'> {
  /** Path within the directory. */
  readonly file: string
  readonly proof: string
}

/** COPY out, read back into a temporary table of the same snapshot, and compare what both hold. */
async function writeTable(
  session: Session,
  table: TenantTable,
  { place, directory, file, proof }: TableWriting,
): Promise<TableEntry> {
  const names = table.columns.map(({ name }) => identifier(name)).join(', ')
  const path = join(directory, file)
  const { where } = table
  const { bytes, sha256 } = await copyToFile(
    session,
    `COPY (SELECT ${names} FROM ${table.address} WHERE ${where}) TO STDOUT`,
    path,
  )
  const live = await countAndHash(session, table.address, { columns: table.columns, where })
  if (table.placement === 'control' && live.rows !== 1) throw unknownTenant(place, live.rows)
  const back = await copyFromFile(session, `COPY ${proof} (${names}) FROM STDIN`, path)
  const read = await countAndHash(session, proof, { columns: table.columns })
  await session.query(`DELETE FROM ${proof}`)
  if (read.rows !== live.rows || read.contentHash !== live.contentHash || back.sha256 !== sha256) {
    throw new WatertightError(
      'WATERTIGHT_BACKUP_SHORT',
      `The file of ${table.address} holds ${read.rows} rows where the snapshot has ${live.rows}, or other rows`,
      { hint: 'Nothing was kept; look at the disk and try again' },
    )
  }
  return {
    schema: table.schema,
    table: table.name,
    file,
    columns: table.columns,
    ...live,
    bytes,
    sha256,
  }
}

function unknownTenant({ tenant }: TenantPlace, rows: number): WatertightError {
  return new WatertightError(
    'WATERTIGHT_TENANT_UNKNOWN',
    `The platform has ${rows} control rows for the tenant ${JSON.stringify(tenant)} instead of one`,
    { hint: 'Check the id, its upper and lower case included' },
  )
}
