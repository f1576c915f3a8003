/** Whether isolation came back with the rows: policies, FORCE, and what the application's own login reads. */

import { services, type Service } from '../../model/tenancy.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { Session } from '../../postgres/session/session.ts'
import { openBackupSession, type BackupPlatform } from '../backup/backup-platform.ts'
import { tenantSchemaOf, tenantTables, type TenantPlace } from '../backup/tenant-tables.ts'

export interface ApplicationLogin {
  readonly user: string
  readonly password: string
}

export interface IsolationScope {
  readonly tenants: readonly { readonly id: string; readonly role: string }[]
  readonly login: ApplicationLogin
}

/** One sentence for each fault; none when the application is confined to each tenant in turn. */
export async function validateIsolation(
  platform: BackupPlatform,
  scope: IsolationScope,
): Promise<readonly string[]> {
  const faults: string[] = []
  for (const service of services) faults.push(...(await validateDatabase(platform, service, scope)))
  return faults
}

async function validateDatabase(
  platform: BackupPlatform,
  service: Service,
  { tenants, login }: IsolationScope,
): Promise<readonly string[]> {
  await using admin = await openBackupSession(platform, service)
  await using management = await openBackupSession(platform, 'management')
  await using app = await Session.connect({
    address: platform.addresses[service],
    database: platform.databases[service],
    login,
    pipeline: false,
    statementTimeoutMs: 600_000,
  })
  const faults =
    platform.tenancy === 'row-level-security' ? [...(await policyFaults(admin, service))] : []
  const places = await Promise.all(
    tenants.map(async ({ id, role }) => {
      const tenantSchema = await tenantSchemaOf(management, platform.tenancy, id)
      return { role, place: { tenancy: platform.tenancy, tenant: id, tenantSchema } }
    }),
  )
  for (const one of places) {
    const others = places
      .filter(({ place }) => place.tenant !== one.place.tenant)
      .map(({ place }) => place)
    faults.push(...(await readFaults({ admin, app, service, ...one, others })))
  }
  return faults
}

/** Every table with tenant_id that is no partition has the four policies and FORCE. */
async function policyFaults(admin: Session, service: Service): Promise<readonly string[]> {
  const rows = await admin.query(`SELECT c.oid::regclass AS name FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity
      AND c.relforcerowsecurity AND (c.relispartition OR 4 = (SELECT count(DISTINCT polcmd) FROM pg_policy
        WHERE polrelid = c.oid AND polname LIKE 'tenant\\_isolation\\_%')))`)
  return rows.map(
    (row) => `${service}: ${String(row['name'])} lacks FORCE or one of the four policies`,
  )
}

interface Reading {
  readonly admin: Session
  readonly app: Session
  readonly service: Service
  readonly role: string
  readonly place: TenantPlace
  readonly others: readonly TenantPlace[]
}

/** Own rows are the positive control: an application that reads nothing at all proves nothing. */
async function readFaults({
  admin,
  app,
  service,
  role,
  place,
  others,
}: Reading): Promise<readonly string[]> {
  const faults: string[] = []
  const rls = place.tenancy === 'row-level-security'
  const named = `${service}, tenant ${JSON.stringify(place.tenant)}`
  const enter = rls ? '' : `SET LOCAL ROLE ${identifier(role)};`
  const read = async (address: string, where: string): Promise<string> => {
    const seen = await app.observe({
      role: 'control',
      sql: `BEGIN; ${enter}
      SELECT set_config('app.current_tenant_id', ${literal(place.tenant)}, true);
      SELECT count(*) AS n FROM ${address} WHERE ${where}`,
    })
    await app.query('ROLLBACK')
    return seen.kind === 'rows' ? String(seen.rows.at(-1)?.['n']) : seen.kind
  }
  for (const { address, placement } of await tenantTables(admin, service, place)) {
    if (!rls && placement !== 'tenant') continue
    const [own] = await admin.query(
      `SELECT count(*) AS n FROM ${address} WHERE tenant_id = ${literal(place.tenant)}`,
    )
    const mine = await read(address, 'true')
    const owned = String(own?.['n'])
    if (mine !== owned) faults.push(`${named}: reads ${mine} rows of ${address}, owns ${owned}`)
  }
  if (rls) return faults
  for (const other of others) {
    for (const { address, placement } of await tenantTables(admin, service, other)) {
      if (placement !== 'tenant') continue
      const seen = await read(address, 'true')
      if (seen !== 'refused') faults.push(`${named}: reads ${address} of another tenant (${seen})`)
    }
  }
  return faults
}
