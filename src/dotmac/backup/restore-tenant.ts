/** Puts one tenant's backup back into a live platform without touching another tenant. */

import { messageOf, sqlstateOf, WatertightError } from '../../errors.ts'
import { services, type Service } from '../../model/tenancy.ts'
import { literal } from '../../sql/identifier.ts'
import { Session } from '../../postgres/session/session.ts'
import type { RoleNames } from '../../model/roles.ts'
import { SchemaPerTenantManager } from '../tenant-schemas.ts'
import { openBackupSession, type BackupPlatform } from './backup-platform.ts'
import { readManifest, type Manifest } from './manifest.ts'
import { isRestored, replaceRows, type Replacing } from './replace-rows.ts'
import { tenantSchemaOf, tenantTables, type TenantPlace } from './tenant-tables.ts'
import { mismatch, verifyFiles, verifyMapping, verifyShape } from './verify-backup.ts'

export interface RestoredDatabase {
  readonly service: Service
  /** `already`: the rows were those of the backup, nothing was written. */
  readonly outcome: 'restored' | 'already'
  readonly rows: number
}

export interface RestoreOptions {
  /** Directory of the backup. */
  readonly from: string
  /** Called after each database is committed. */
  readonly onDatabase?: (done: RestoredDatabase) => void
  /**
   * Under schema-per-tenant: makes schemas of the tenant that are missing, by the migrations and with these roles, and
   * registers a tenant that was dropped. Default: missing schemas are an error.
   */
  readonly createSchemas?: RoleNames
}

/**
 * Verifies everything first, in both databases; then one transaction per database, management first. The
 * databases themselves say which is done, so a restore that was cut off is simply run again, and a second
 * run writes nothing. Writers of the same tenant should be kept out: rows they commit in between make the
 * proof fail and the transaction roll back.
 * @throws WatertightError WATERTIGHT_BACKUP_UNREADABLE, WATERTIGHT_BACKUP_MISMATCH, WATERTIGHT_RESTORE_BUSY,
 *   WATERTIGHT_RESTORE_FAILED, WATERTIGHT_RIGHTS, WATERTIGHT_SCHEMA_MISSING; with createSchemas those of the manager.
 */
export async function restoreTenant(
  platform: BackupPlatform,
  { from, onDatabase, createSchemas }: RestoreOptions,
): Promise<readonly RestoredDatabase[]> {
  const manifest = await readManifest(from)
  await using management = await openBackupSession(platform, 'management')
  await using isp = await openBackupSession(platform, 'isp')
  const sessions: Readonly<Record<Service, Session>> = { management, isp }
  const place = await placeOf(platform, manifest, management)
  await verifyFiles(from, manifest)
  if (createSchemas !== undefined && place.tenantSchema !== null) {
    await createMissing(platform, place.tenant, createSchemas)
  }
  const plans = new Map<Service, Replacing>()
  for (const service of services) {
    const entry = manifest.databases[service]
    if (entry === undefined) throw mismatch(`it has no ${service} database`)
    await verifyMapping(sessions[service], service, place)
    const tables = await tenantTables(sessions[service], service, place)
    verifyShape(service, entry, tables)
    plans.set(service, { place, tables, entry, directory: from })
  }
  const done: RestoredDatabase[] = []
  for (const [service, plan] of plans) {
    const { outcome, rows } = await restoreDatabase(sessions[service], service, plan)
    done.push({ service, outcome, rows })
    onDatabase?.({ service, outcome, rows })
  }
  return done
}

async function placeOf(
  platform: BackupPlatform,
  manifest: Manifest,
  management: Session,
): Promise<TenantPlace> {
  const { tenant, tenancy } = manifest
  if (manifest.kind !== 'tenant' || tenant === null)
    throw mismatch("it is a full backup, not a tenant's own")
  if (tenancy !== platform.tenancy)
    throw mismatch(`it was taken under ${tenancy}, the platform is ${platform.tenancy}`)
  return { tenant, tenancy, tenantSchema: await tenantSchemaOf(management, tenancy, tenant) }
}

async function createMissing(
  platform: BackupPlatform,
  tenant: string,
  roles: RoleNames,
): Promise<void> {
  const connect = (service: Service) =>
    Session.connect({
      address: platform.addresses[service],
      database: platform.databases[service],
      pipeline: false,
      statementTimeoutMs: 600_000,
      lockTimeoutMs: 30_000,
    })
  await using management = await connect('management')
  await using isp = await connect('isp')
  await new SchemaPerTenantManager({ sessions: { management, isp }, roles }).recreateTenantSchema(
    tenant,
  )
}

async function restoreDatabase(
  session: Session,
  service: Service,
  plan: Replacing,
): Promise<Pick<RestoredDatabase, 'outcome' | 'rows'>> {
  const { tenant } = plan.place
  await session.query('BEGIN')
  try {
    const [lock] = await session.query(
      `SELECT pg_try_advisory_xact_lock(hashtextextended(${literal(`restore ${tenant}`)}, 0)) AS mine`,
    )
    if (lock?.['mine'] !== 't') throw busy(tenant)
    const already = await isRestored(session, plan)
    const mapped = await mappingOf(session, service, plan)
    const rows = already ? 0 : await replaceRows(session, plan)
    if (mapped !== null && mapped !== (await mappingOf(session, service, plan))) {
      throw mismatch(`the tenant had another schema or role when it was taken than now (${mapped})`)
    }
    await session.query('COMMIT')
    return { outcome: already ? 'already' : 'restored', rows }
  } catch (error) {
    // Where the connection is lost there is nothing to roll back, and the first error says why.
    await session.query('ROLLBACK').catch(() => undefined)
    if (error instanceof WatertightError) throw error
    throw new WatertightError(
      'WATERTIGHT_RESTORE_FAILED',
      `Restoring ${JSON.stringify(tenant)} into the ${service} database failed` +
        ` (${sqlstateOf(error) ?? 'no SQLSTATE'}): ${messageOf(error)}`,
      {
        hint: 'This database is as it was; run the restore again when the cause is gone',
        cause: error,
      },
    )
  }
}

/** Schema and role as the tenants table says: a restore must not point the tenant to where its rows are not. */
async function mappingOf(
  session: Session,
  service: Service,
  { place }: Replacing,
): Promise<string | null> {
  if (service !== 'management' || place.tenantSchema === null) return null
  const [row] = await session.query(`SELECT schema_name, role_name FROM dotmac_control.tenants
    WHERE tenant_id = ${literal(place.tenant)}`)
  return row === undefined ? null : `${String(row['schema_name'])}, ${String(row['role_name'])}`
}

function busy(tenant: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_RESTORE_BUSY',
    `Another restore of ${JSON.stringify(tenant)} is running`,
    { hint: 'Wait until it ends, then run this one again' },
  )
}
