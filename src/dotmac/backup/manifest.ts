/** What a backup says about itself; nothing is restored from files that do not agree with it. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'
import { services, tenancies, type Service, type TenancyName } from '../../model/tenancy.ts'
import { isRoleEntry, type RoleEntry } from './cluster-roles.ts'

export const manifestName = 'manifest.json'
export const manifestFormat = 1

export interface ColumnEntry {
  readonly name: string
  readonly type: string
}

export interface TableEntry {
  /** Schema and name of the table, for people; restoring takes them from the live platform. */
  readonly schema: string
  readonly table: string
  /** Path inside the backup. */
  readonly file: string
  readonly columns: readonly ColumnEntry[]
  readonly rows: number
  readonly bytes: number
  /** SHA-256 of the file. */
  readonly sha256: string
  /** Order-independent hash over the rows, computed by the server. */
  readonly contentHash: string
}

export interface DatabaseEntry {
  readonly database: string
  /** Of the cluster; equal in both entries when the databases live on one server. */
  readonly systemIdentifier: string
  readonly serverVersion: string
  /** pg_current_snapshot() of the transaction that everything was read in. */
  readonly snapshot: string
  readonly lsn: string
  /** ISO 8601, by the server's clock. */
  readonly takenAt: string
  /** Fingerprint of the tables' columns. */
  readonly schemaVersion: string
  readonly tables: readonly TableEntry[]
}

export interface Manifest {
  readonly format: typeof manifestFormat
  readonly kind: 'tenant' | 'full'
  /** Null in a full backup. */
  readonly tenant: string | null
  /** Schema of the tenant under schema-per-tenant. */
  readonly tenantSchema: string | null
  readonly tenancy: TenancyName
  readonly createdAt: string
  /** `copy`, or `pg_dump` and its version. */
  readonly method: string
  /** True when both snapshots are the same set of committed transactions. */
  readonly samePoint: boolean
  readonly databases: Readonly<Partial<Record<Service, DatabaseEntry>>>
  /** Of a full backup: the server's roles that its objects belong to or are granted to. No passwords. */
  readonly roles?: readonly RoleEntry[]
}

export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  await writeFile(join(directory, manifestName), `${JSON.stringify(manifest, null, 2)}\n`, {
    flag: 'wx',
    mode: 0o600,
    flush: true,
  })
}

/** @throws WatertightError WATERTIGHT_BACKUP_UNREADABLE when there is none, or it is none of ours. */
export async function readManifest(directory: string): Promise<Manifest> {
  try {
    const value: unknown = JSON.parse(await readFile(join(directory, manifestName), 'utf8'))
    if (!isManifest(value)) throw new Error('it has not the shape of a manifest')
    return value
  } catch (error) {
    throw new WatertightError(
      'WATERTIGHT_BACKUP_UNREADABLE',
      `${directory} is not a finished backup of this format: ${messageOf(error)}`,
      { hint: `Name the directory that holds ${manifestName}`, cause: error },
    )
  }
}

/** The manifest comes from outside: every path in it stays inside the backup. */
function isManifest(value: unknown): value is Manifest {
  if (!isRecord(value) || value['format'] !== manifestFormat) return false
  const { kind, tenant, tenancy, databases, roles = [] } = value
  if (!Array.isArray(roles) || !roles.every(isRoleEntry)) return false
  if (!tenancies.includes(tenancy as TenancyName) || !isRecord(databases)) return false
  if (kind === 'tenant' ? typeof tenant !== 'string' : kind !== 'full') return false
  return Object.entries(databases).every(
    ([service, entry]) =>
      services.includes(service as Service) &&
      isRecord(entry) &&
      typeof entry['schemaVersion'] === 'string' &&
      Array.isArray(entry['tables']) &&
      entry['tables'].every(isTable),
  )
}

function isTable(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { file, rows, bytes, columns } = value
  return (
    ['schema', 'table', 'sha256', 'contentHash'].every((name) => typeof value[name] === 'string') &&
    typeof file === 'string' &&
    /^[a-z0-9_-]+\/[A-Za-z0-9_.-]+$/.test(file) &&
    !file.includes('..') &&
    Number.isSafeInteger(rows) &&
    Number.isSafeInteger(bytes) &&
    Array.isArray(columns) &&
    columns.every(
      (column: unknown) =>
        isRecord(column) &&
        typeof column['name'] === 'string' &&
        typeof column['type'] === 'string',
    )
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
