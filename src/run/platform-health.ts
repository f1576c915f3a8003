/** Health of both databases of a platform that runs: opens the logins, finds the tenants, asks the checks. */

import { controlSchema } from '../dotmac/schema-manager.ts'
import { isInconclusive } from '../dotmac/health/health-check.ts'
import { validateTenantIsolationHealth, type IsolationHealth } from '../dotmac/health/tenant-isolation-health.ts'
import { services, type Service } from '../model/tenancy.ts'
import { openDriverPool } from '../postgres/driver-pool.ts'
import type { ServerAddress } from '../postgres/server-address.ts'
import { Session } from '../postgres/session.ts'
import type { PlatformTarget } from './platform-target.ts'

export interface PlatformHealth {
  /** 0 healthy, 1 a check found something, 3 a check saw nothing to judge. */
  readonly exitCode: 0 | 1 | 3
  readonly services: Readonly<Record<string, IsolationHealth>>
}

/** @throws WatertightError WATERTIGHT_UNREACHABLE, WATERTIGHT_LOGIN_REFUSED, WATERTIGHT_BAD_TARGET. */
export async function checkPlatform(
  target: PlatformTarget, { app, tenants: most }: { app: ServerAddress; tenants: number },
): Promise<PlatformHealth> {
  const tenants = await tenantsOf(target, most)
  const found: Record<string, IsolationHealth> = {}
  for (const service of services) found[service] = await checkService(target, { app, service, tenants })
  const checks = Object.values(found).flatMap((each) => each.checks)
  const exitCode = checks.some((check) => check.findings.length > 0) ? 1 : checks.some(isInconclusive) ? 3 : 0
  return { exitCode, services: found }
}

type Known = readonly { id: string; schema: string; role: string }[]

async function checkService(
  target: PlatformTarget, { app, service, tenants }: { app: ServerAddress; service: Service; tenants: Known },
): Promise<IsolationHealth> {
  const database = target.databases[service]
  await using admin = await Session.connect({ address: target.address, database, pipeline: false })
  await (await Session.connect({ address: app, database }))[Symbol.asyncDispose]()
  const pool = openDriverPool({ address: app, database, max: 1 })
  try {
    const { tenancy, roles } = target
    return await validateTenantIsolationHealth({ service, tenancy, roles, admin, pool, tenants })
  } finally {
    await pool.end()
  }
}

/** As the tenants table maps them, the first by id. */
async function tenantsOf({ address, databases, tenancy }: PlatformTarget, most: number): Promise<Known> {
  await using session = await Session.connect({ address, database: databases.management, pipeline: false })
  const schema = tenancy === 'schema-per-tenant' ? controlSchema : 'public'
  const rows = await session.query(
    `SELECT tenant_id, schema_name, role_name FROM ${schema}.tenants ORDER BY tenant_id LIMIT ${most}`)
  return rows.map((row) => ({
    id: String(row['tenant_id']), schema: String(row['schema_name']), role: String(row['role_name']) }))
}
