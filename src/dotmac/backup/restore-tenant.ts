/** Brings a tenant's backup back into a live system, without touching a row of anybody else. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'
import { services, type Service, type TenancyName } from '../../model/tenancy.ts'
import { copyFromFile, sha256Of } from '../../postgres/copy-files.ts'
import { identifier } from '../../postgres/identifier.ts'
import type { Session } from '../../postgres/session.ts'
import type { MappedTenant } from '../migrations/places.ts'
import type { Manifest, ManifestTable } from './backup-tenant.ts'
import { contentOf, tenantTables, type TenantTable } from './tenant-tables.ts'

export interface RestoreOptions {
  readonly tenancy: TenancyName
  /** Where the tenant lives now, as the tenants table says. */
  readonly tenant: MappedTenant
  /** A superuser's sessions, not pipelined: triggers must not audit a restore. */
  readonly sessions: Readonly<Record<Service, Session>>
  readonly directory: string
}

export interface Restored {
  readonly tables: number
  readonly rows: number
}

/**
 * Replaces the tenant's rows by those of the backup: one transaction for each database, committed only when the rows
 * hash to what the manifest says. Running it again gives the same; one that was killed between the databases is
 * finished by running it again.
 * @throws WatertightError WATERTIGHT_BACKUP_MISMATCH before anything is changed, when files, columns, tenant or tenancy
 *   are not those of the manifest; WATERTIGHT_RESTORE_FAILED, after ROLLBACK.
 */
export async function restoreTenant(options: RestoreOptions): Promise<Restored> {
  const manifest = await verifiedManifest(options)
  let rows = 0
  for (const service of services) {
    const tables = tenantTables(service, options.tenancy, options.tenant)
    rows += await restoreService(options, { service, tables, manifest })
  }
  return { tables: manifest.tables.length, rows }
}

async function verifiedManifest({ directory, tenancy, tenant }: RestoreOptions): Promise<Manifest> {
  const manifest = await readFile(join(directory, 'manifest.json'), 'utf8').then((text) => JSON.parse(text) as Manifest)
    .catch((error: unknown) => { throw mismatch(`it has no manifest that can be read: ${messageOf(error)}`) })
  if ((manifest.format as unknown) !== 1) throw mismatch(`its format is ${String(manifest.format)}, not 1`)
  if (manifest.tenancy !== tenancy) throw mismatch(`it was made under ${manifest.tenancy}`)
  const { id, schema } = manifest.tenant
  if (id !== tenant.id) throw mismatch(`it is of tenant ${JSON.stringify(id)}`)
  if (schema !== tenant.schema) throw mismatch(`the tenant's schema was ${schema} and is ${tenant.schema}`)
  const wanted = services.flatMap((service) => tenantTables(service, tenancy, tenant))
  const shape = (tables: readonly (TenantTable | ManifestTable)[]) =>
    JSON.stringify(tables.map(({ service, name, columns }) => [service, name, columns]))
  if (shape(wanted) !== shape(manifest.tables)) throw mismatch('its tables or columns are not those of this platform')
  for (const { service, name, sha256 } of manifest.tables) {
    // The path follows from names that are known here, never from the manifest.
    const found = await sha256Of(join(directory, service, `${name}.copy`)).catch(() => 'no file')
    if (found !== sha256) throw mismatch(`the file of ${name} is not the one that was written`)
  }
  return manifest
}

interface Part {
  readonly service: Service
  readonly tables: readonly TenantTable[]
  readonly manifest: Manifest
}

async function restoreService(
  { sessions, directory, tenant }: RestoreOptions, { service, tables, manifest }: Part,
): Promise<number> {
  const session = sessions[service]
  let rows = 0
  await session.query('BEGIN')
  try {
    // Neither audit triggers nor foreign keys between the steps; all rows of the tenant are replaced together.
    await session.query('SET LOCAL session_replication_role = replica')
    for (const { address, condition } of tables.toReversed()) {
      await session.query(`DELETE FROM ${address} WHERE ${condition}`)
    }
    for (const table of tables) {
      const { address, name, columns } = table
      const sql = `COPY ${address} (${columns.map(identifier).join(', ')}) FROM STDIN`
      rows += await copyFromFile(session, sql, join(directory, service, `${name}.copy`))
      const expected = manifest.tables.find((each) => each.service === service && each.name === name)
      const content = await contentOf(session, table)
      if (content.rows !== expected?.rows || content.hash !== expected.hash) {
        throw new Error(`${address} does not hold what the manifest says`)
      }
    }
    await session.query('COMMIT')
    return rows
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined)
    throw new WatertightError('WATERTIGHT_RESTORE_FAILED',
      `Tenant ${JSON.stringify(tenant.id)} was not restored in ${service}: ${messageOf(error)}`,
      { hint: 'The database is as it was; restore again when the cause is repaired', cause: error })
  }
}

function mismatch(reason: string): WatertightError {
  return new WatertightError('WATERTIGHT_BACKUP_MISMATCH', `The backup is not restored: ${reason}`, {
    hint: 'Nothing was changed; use the backup of this tenant and of this version' })
}
