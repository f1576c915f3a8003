/** Health of both databases of a platform that runs: opens the logins, finds the tenants, asks the checks. */

import { mappedTenants } from '../dotmac/migrations/migrate.ts'
import type { MappedTenant } from '../dotmac/migrations/places.ts'
import { isInconclusive } from '../dotmac/health/health-check.ts'
import { validateTenantIsolationHealth, type IsolationHealth } from '../dotmac/health/tenant-isolation-health.ts'
import { services, type Service } from '../model/tenancy.ts'
import { openDriverPool } from '../postgres/driver-pool.ts'
import type { ServerAddress } from '../postgres/server-address.ts'
import { Session } from '../postgres/session.ts'
import { openPlatform } from './platform-sessions.ts'
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
  await using platform = await openPlatform(target, { seesAll: false })
  const tenants = (await mappedTenants(platform.sessions.management, target.tenancy)).slice(0, most)
  const found: Record<string, IsolationHealth> = {}
  for (const service of services) {
    found[service] = await checkService(target, { admin: platform.sessions[service], app, service, tenants })
  }
  const checks = Object.values(found).flatMap((each) => each.checks)
  const exitCode = checks.some((check) => check.findings.length > 0) ? 1 : checks.some(isInconclusive) ? 3 : 0
  return { exitCode, services: found }
}

type Known = readonly MappedTenant[]

interface CheckedService {
  readonly admin: Session
  readonly app: ServerAddress
  readonly service: Service
  readonly tenants: Known
}

async function checkService(
  target: PlatformTarget, { admin, app, service, tenants }: CheckedService,
): Promise<IsolationHealth> {
  const database = target.databases[service]
  await (await Session.connect({ address: app, database }))[Symbol.asyncDispose]()
  const pool = openDriverPool({ address: app, database, max: 1 })
  try {
    const { tenancy, roles } = target
    return await validateTenantIsolationHealth({ service, tenancy, roles, admin, pool, tenants })
  } finally {
    await pool.end()
  }
}
