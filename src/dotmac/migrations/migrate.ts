/** Migrates the platform: management first, because the ISP database takes its tenants from there. */

import { messageOf, WatertightError } from '../../errors.ts'
import { services, type Service, type TenancyName } from '../../model/tenancy.ts'
import { literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { RoleNames } from '../../model/roles.ts'
import { controlSchema } from '../schema-manager.ts'
import { migrationFiles } from './files.ts'
import { locked } from './lock.ts'
import {
  platformPlace,
  tenantFolder,
  tenantPlace,
  type MappedTenant,
  type PlaceOptions,
} from './places.ts'
import { migratedVersions } from './versions.ts'
import { upgrade, type Place, type Upgraded } from './upgrade.ts'

export interface MigrateOptions {
  readonly tenancy: TenancyName
  readonly roles: RoleNames
  /** Sessions of a role that may create schemas and tables, not pipelined. */
  readonly sessions: Readonly<Record<Service, Session>>
  /** Default both. The ISP database alone is refused while management is behind. */
  readonly services?: readonly Service[]
  /** Tenants whose schemas are upgraded; default all. Only under schema-per-tenant. */
  readonly tenants?: readonly string[]
  /** Version at which tenants' schemas (under row-level security: the tables) stop; default the newest. */
  readonly to?: number
  readonly dryRun?: boolean
  /** REQUIRE_TENANT_COLUMN: a migration must guard every table that it makes. Default true. */
  readonly requireTenantColumn?: boolean
  /** ENABLE_AUDIT_TRIGGERS: writes to tenants' tables leave a line in the trail. Default true. */
  readonly auditTriggers?: boolean
  /** How long to wait in ms for another run to end; default 30,000. */
  readonly lockWaitMs?: number
  /** Folder with <service>/migrations; default the platform's own. */
  readonly directory?: string
  readonly onPlace?: (done: Upgraded) => void
}

export interface FailedPlace {
  readonly title: string
  readonly error: string
}

export interface Migrated {
  readonly upgraded: readonly Upgraded[]
  /** Tenants that stayed at their version, with the reason. */
  readonly failed: readonly FailedPlace[]
}

/**
 * Brings both databases to the newest version. A platform's failure ends the run; a tenant's leaves that tenant
 * where it was and goes on with the next.
 * @throws WatertightError WATERTIGHT_MIGRATION_ORDER, WATERTIGHT_MIGRATION_LOCKED, WATERTIGHT_NO_TENANT,
 *   WATERTIGHT_BAD_OPTION (tenants where there are no schemas of theirs), and those of upgrade() for the platform's
 *   own places.
 */
export async function migrate(options: MigrateOptions): Promise<Migrated> {
  if (options.tenants !== undefined && options.tenancy === 'row-level-security') {
    throw new WatertightError(
      'WATERTIGHT_BAD_OPTION',
      'Single tenants cannot be migrated where they share the tables',
      { hint: 'Leave the tenants out, or name the tenancy schema-per-tenant (--mode schema)' },
    )
  }
  const wanted = services.filter((service) => (options.services ?? services).includes(service))
  refuseUnknownVersion(wanted, options)
  const upgraded: Upgraded[] = []
  const failed: FailedPlace[] = []
  for (const service of wanted) {
    // A dry run of both would find management behind, because nothing was run.
    if (service === 'isp' && !(options.dryRun === true && wanted.length > 1))
      await refuseBehind(options)
    const done = await locked(options.sessions[service], options, () =>
      migrateService(service, options),
    )
    upgraded.push(...done.upgraded)
    failed.push(...done.failed)
  }
  return { upgraded, failed }
}

async function migrateService(service: Service, options: MigrateOptions): Promise<Migrated> {
  const session = options.sessions[service]
  const { tenancy, dryRun, to, onPlace, requireTenantColumn = true, auditTriggers = true } = options
  const place = placeOptions(service, options)
  const serverVersionNum = await versionOf(session)
  const common = {
    serverVersionNum,
    requireTenantColumn,
    auditTriggers,
    ...(dryRun === undefined ? {} : { dryRun }),
  }
  const keep = (done: Upgraded) => {
    upgraded.push(done)
    onPlace?.(done)
  }
  const upgraded: Upgraded[] = []
  const failed: FailedPlace[] = []
  const shared = tenancy === 'row-level-security'
  const upTo = to === undefined ? {} : { to }
  keep(
    await upgrade(session, platformPlace(tenancy, place), { ...common, ...(shared ? upTo : {}) }),
  )
  if (service === 'isp' && dryRun !== true) await copyTenants(options)
  if (shared) return { upgraded, failed }
  const tenants = await tenantsToUpgrade(options)
  const versions =
    service === 'isp' && dryRun !== true ? await managementVersions(options, tenants) : null
  for (const tenant of tenants) {
    try {
      if (versions !== null)
        refuseTenantBehind(tenant, { version: versions.get(tenant.id) ?? 0, options })
      keep(await upgrade(session, tenantPlace(tenant, place), { ...common, ...upTo }))
    } catch (error) {
      // Without the connection every further tenant would only repeat it.
      if (session.lost !== null) throw error
      failed.push({ title: tenantPlace(tenant, place).title, error: messageOf(error) })
    }
  }
  return { upgraded, failed }
}

function placeOptions(service: Service, { roles, directory }: MigrateOptions): PlaceOptions {
  return { service, roles, ...(directory === undefined ? {} : { directory }) }
}

/** @throws WatertightError WATERTIGHT_MIGRATION_ORDER while the management database is behind. */
async function refuseBehind(options: MigrateOptions): Promise<void> {
  const place: Place = platformPlace(options.tenancy, placeOptions('management', options))
  const session = options.sessions.management
  const upTo =
    options.tenancy === 'row-level-security' && options.to !== undefined ? { to: options.to } : {}
  const serverVersionNum = await versionOf(session)
  const pending = await upgrade(session, place, { serverVersionNum, dryRun: true, ...upTo })
  if (pending.applied.length === 0) return
  throw new WatertightError(
    'WATERTIGHT_MIGRATION_ORDER',
    `The ISP database cannot be migrated before the management database, which lacks ${pending.applied.join(', ')}`,
    { hint: 'Migrate management first, or both together' },
  )
}

/** @throws WatertightError WATERTIGHT_MIGRATION_FILES for a version that neither database has a migration for. */
function refuseUnknownVersion(wanted: readonly Service[], options: MigrateOptions): void {
  const { to, tenancy } = options
  if (to === undefined) return
  const newest = Math.max(
    ...wanted.flatMap((service) => {
      const place = placeOptions(service, options)
      const folder =
        tenancy === 'row-level-security'
          ? platformPlace(tenancy, place).folder
          : tenantFolder(place)
      return migrationFiles(folder).map(({ version }) => version)
    }),
  )
  if (to <= newest) return
  throw new WatertightError(
    'WATERTIGHT_MIGRATION_FILES',
    `There is no migration to version ${to}`,
    { hint: `The newest is ${newest}; leave the version out to go there` },
  )
}

/** Versions of the tenants' schemas in the management database; a tenant without one is left out. */
async function managementVersions(
  { sessions }: MigrateOptions,
  tenants: readonly MappedTenant[],
): Promise<ReadonlyMap<string, number>> {
  const versions = await migratedVersions(sessions.management, tenants)
  return new Map(
    tenants.flatMap(({ id, schema }) => {
      const version = versions.get(schema)
      return version === undefined ? [] : [[id, version] as const]
    }),
  )
}

/** Management first holds for each tenant: one that stayed behind there stays behind here. */
function refuseTenantBehind(
  { id }: MappedTenant,
  { version, options }: { readonly version: number; readonly options: MigrateOptions },
): void {
  const { to = Infinity } = options
  const pending = migrationFiles(tenantFolder(placeOptions('management', options)))
    .map((file) => file.version)
    .filter((each) => each > version && each <= to)
  if (pending.length === 0) return
  throw new WatertightError(
    'WATERTIGHT_MIGRATION_ORDER',
    `The ISP schema of ${id} cannot be migrated before that of the management database, which is at version ${version}`,
    { hint: `Migrate the tenant there first, to version ${Math.max(...pending)}` },
  )
}

async function versionOf(session: Session): Promise<number> {
  const [row] = await session.query("SELECT current_setting('server_version_num') AS num")
  return Number(row?.['num'])
}

function controlTable(tenancy: TenancyName, name: string): string {
  return `${tenancy === 'row-level-security' ? 'public' : controlSchema}.${name}`
}

/** The tenants that the management database knows, oldest first. */
export async function mappedTenants(
  management: Session,
  tenancy: TenancyName,
): Promise<readonly MappedTenant[]> {
  const [there] = await management.query(
    `SELECT to_regclass(${literal(controlTable(tenancy, 'tenants'))}) AS name`,
  )
  if (there?.['name'] === null) return []
  const rows = await management.query(`SELECT tenant_id, schema_name, role_name
    FROM ${controlTable(tenancy, 'tenants')} ORDER BY created_at, tenant_id`)
  return rows.map((row) => ({
    id: String(row['tenant_id']),
    schema: String(row['schema_name']),
    role: String(row['role_name']),
  }))
}

async function tenantsToUpgrade({
  sessions,
  tenancy,
  tenants,
}: MigrateOptions): Promise<readonly MappedTenant[]> {
  const known = await mappedTenants(sessions.management, tenancy)
  const unknown = tenants?.find((id) => !known.some((each) => each.id === id))
  if (unknown !== undefined) {
    throw new WatertightError(
      'WATERTIGHT_NO_TENANT',
      `There is no tenant ${JSON.stringify(unknown)}`,
      { hint: 'Name tenants as the tenants table of the management database does' },
    )
  }
  return tenants === undefined ? known : known.filter(({ id }) => tenants.includes(id))
}

/** Tenants of the management database that the ISP database does not know yet. */
async function copyTenants({ sessions, tenancy }: MigrateOptions): Promise<void> {
  const rows = await sessions.management.query(`SELECT tenant_id, name, status
    FROM ${controlTable(tenancy, 'tenants')}`)
  for (const row of rows) {
    const values = [row['tenant_id'], row['name'], row['status']]
      .map((value) => literal(String(value)))
      .join(', ')
    await sessions.isp
      .query(`INSERT INTO ${controlTable(tenancy, 'isp_tenants')} (tenant_id, name, status)
      VALUES (${values}) ON CONFLICT (tenant_id) DO NOTHING`)
  }
}
