/** Compares a backup with itself and with the platform it is to be restored into, before a row is touched. */

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'
import type { Service } from '../../model/tenancy.ts'
import { readCopiedFile } from '../../postgres/session/copy-file.ts'
import { literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { DatabaseEntry, Manifest, TableEntry } from './manifest.ts'
import { schemaVersionOf, type TenantPlace, type TenantTable } from './tenant-tables.ts'

/** Every file: there, of its length, with its rows and its hash. @throws WATERTIGHT_BACKUP_MISMATCH. */
export async function verifyFiles(directory: string, manifest: Manifest): Promise<void> {
  for (const { tables } of Object.values(manifest.databases)) {
    for (const table of tables) await verifyFile(join(directory, table.file), table)
  }
}

async function verifyFile(path: string, table: TableEntry): Promise<void> {
  const { size } = await stat(path).catch((error: unknown) => {
    throw mismatch(messageOf(error))
  })
  if (size !== table.bytes)
    throw mismatch(`${table.file} has ${size} bytes instead of ${table.bytes}`)
  const found = await readCopiedFile(path)
  if (found.rows !== table.rows)
    throw mismatch(`${table.file} has ${found.rows} rows instead of ${table.rows}`)
  if (found.sha256 !== table.sha256)
    throw mismatch(`${table.file} is not the file that was written (SHA-256)`)
}

/** The same tables with the same columns as when the backup was taken. @throws WATERTIGHT_BACKUP_MISMATCH. */
export function verifyShape(
  service: Service,
  entry: DatabaseEntry,
  live: readonly TenantTable[],
): void {
  const names = (tables: readonly string[]) => [...tables].sort().join(', ')
  const [had, has] = [
    names(entry.tables.map(({ table }) => table)),
    names(live.map(({ name }) => name)),
  ]
  if (had !== has)
    throw mismatch(`the ${service} database has the tables ${has}; the backup has ${had}`)
  for (const { name: table, columns } of live) {
    const text = (list: readonly { name: string; type: string }[]) =>
      list.map(({ name, type }) => `${name} ${type}`).join(', ')
    const then = text(entry.tables.find((each) => each.table === table)?.columns ?? [])
    if (text(columns) !== then)
      throw mismatch(`${table} has the columns (${text(columns)}), not (${then})`)
  }
  const version = schemaVersionOf(live)
  if (version !== entry.schemaVersion) {
    throw mismatch(
      `the ${service} schema is of version ${version}, the backup of ${entry.schemaVersion}`,
    )
  }
}

/**
 * Under schema-per-tenant the schema must be there and belong to this tenant: by the tenants table and by
 * the comment that the schema manager leaves. @throws WATERTIGHT_SCHEMA_MISSING, WATERTIGHT_BACKUP_MISMATCH.
 */
export async function verifyMapping(
  session: Session,
  service: Service,
  place: TenantPlace,
): Promise<void> {
  const { tenant, tenantSchema } = place
  if (tenantSchema === null) return
  const [row] = await session.query(`SELECT obj_description(oid, 'pg_namespace') AS comment
    FROM pg_namespace WHERE nspname = ${literal(tenantSchema)}`)
  if (row === undefined) {
    throw new WatertightError(
      'WATERTIGHT_SCHEMA_MISSING',
      `The ${service} database has no schema ${tenantSchema} to restore ${JSON.stringify(tenant)} into`,
      {
        hint: 'Nothing was changed; give --create (createSchemas) to have it made by the migrations first',
      },
    )
  }
  if (row['comment'] !== `tenant ${tenant}`) {
    throw mismatch(
      `schema ${tenantSchema} of the ${service} database is not that of ${JSON.stringify(tenant)}`,
    )
  }
  if (service !== 'management') return
  const [other] = await session.query(`SELECT tenant_id FROM dotmac_control.tenants
    WHERE schema_name = ${literal(tenantSchema)} AND tenant_id <> ${literal(tenant)}`)
  if (other !== undefined)
    throw mismatch(`schema ${tenantSchema} is mapped to ${JSON.stringify(other['tenant_id'])}`)
}

export function mismatch(what: string): WatertightError {
  return new WatertightError('WATERTIGHT_BACKUP_MISMATCH', `The backup does not fit: ${what}`, {
    hint: "Nothing was changed; use an intact backup of this platform's schema version",
  })
}
