/** Health of both databases of a platform that runs: opens the logins, finds the tenants, asks the checks. */

import { WatertightError } from '../../errors.ts'
import { mappedTenants } from '../../dotmac/migrations/migrate.ts'
import {
  isLost,
  sentenceOf,
  tenantsHere,
  type TenantsHere,
  type TenantWithout,
} from '../../dotmac/tenants-here.ts'
import { isInconclusive } from '../../dotmac/health/health-check.ts'
import {
  validateTenantIsolationHealth,
  type IsolationHealth,
} from '../../dotmac/health/tenant-isolation-health.ts'
import { services, type Service } from '../../model/tenancy.ts'
import { openDriverPool, type DriverPool } from '../../postgres/session/driver-pool.ts'
import type { ServerAddress } from '../../postgres/session/server-address.ts'
import { literal } from '../../sql/identifier.ts'
import { connectError, type Session } from '../../postgres/session/session.ts'
import { openPlatform } from './platform-sessions.ts'
import type { PlatformTarget } from './platform-target.ts'

export interface PlatformHealth {
  /** 0 healthy, 1 a check found something, 3 a check saw nothing to judge, or something that it cannot judge. */
  readonly exitCode: 0 | 1 | 3
  /** How many tenants there are, of how many statements were tried, and who has no tables yet or any longer. */
  readonly tenants: {
    readonly known: number
    readonly asked: number
    readonly without: readonly TenantWithout[]
  }
  readonly services: Readonly<Record<string, IsolationHealth>>
}

/**
 * @throws WatertightError WATERTIGHT_UNREACHABLE, WATERTIGHT_LOGIN_REFUSED, WATERTIGHT_BAD_TARGET, WATERTIGHT_RIGHTS
 *   for a login that sees a part of the rows, WATERTIGHT_OTHER_SERVER when the application's login leads elsewhere.
 */
export async function checkPlatform(
  target: PlatformTarget,
  { app, tenants: most }: { app: ServerAddress; tenants: number },
): Promise<PlatformHealth> {
  await using platform = await openPlatform(target, { seesAll: false })
  await requireSight(platform.sessions.management, target)
  const tenants = await mappedTenants(platform.sessions.management, target.tenancy)
  const found: Record<string, IsolationHealth> = {}
  const without: TenantWithout[] = []
  const asked: number[] = []
  for (const service of services) {
    const placed = await tenantsHere(service, {
      sessions: platform.sessions,
      tenancy: target.tenancy,
      tenants,
    })
    const session = platform.sessions[service]
    found[service] = await checkService(target, {
      admin: session,
      app,
      service,
      placed,
      asked: most,
    })
    without.push(...placed.without)
    asked.push(Math.min(most, placed.here.length))
  }
  const checks = Object.values(found).flatMap((each) => each.checks)
  const exitCode = checks.some((check) => check.findings.length > 0)
    ? 1
    : checks.some(isInconclusive)
      ? 3
      : 0
  return {
    exitCode,
    tenants: { known: tenants.length, asked: Math.min(...asked), without },
    services: found,
  }
}

/** To a login that row security filters nothing would look foreign. */
async function requireSight(session: Session, { roles }: PlatformTarget): Promise<void> {
  const [row] = await session.query(`SELECT current_user AS who, rolsuper OR rolbypassrls
    OR rolname = ${literal(roles.admin)} AS sees FROM pg_catalog.pg_roles WHERE rolname = current_user`)
  if (row?.['sees'] === 't') return
  throw new WatertightError(
    'WATERTIGHT_RIGHTS',
    `The login ${String(row?.['who'])} does not see every tenant's rows`,
    {
      hint:
        `Give --target the login of ${roles.admin}, a superuser or a role with BYPASSRLS; ` +
        "--app is the application's",
    },
  )
}

interface CheckedService {
  readonly admin: Session
  readonly app: ServerAddress
  readonly service: Service
  readonly placed: TenantsHere
  readonly asked: number
}

async function checkService(
  target: PlatformTarget,
  { admin, app, service, placed, asked }: CheckedService,
): Promise<IsolationHealth> {
  const database = target.databases[service]
  // No session of its own: a pooler in transaction mode would keep what that sets.
  const pool = openDriverPool({ address: app, database, max: 1 })
  try {
    await requireSameDatabase(admin, pool, { address: app, database })
    const { tenancy, roles } = target
    const without = placed.without.filter(isLost).map(sentenceOf)
    return await validateTenantIsolationHealth({
      service,
      tenancy,
      roles,
      admin,
      pool,
      tenants: placed.here,
      asked,
      without,
    })
  } finally {
    await pool.end()
  }
}

/** What is healthy elsewhere says nothing here. The same through a pooler and at every address of the server. */
const identitySql = `SELECT oid || ' ' || extract(epoch FROM pg_postmaster_start_time()) AS id
  FROM pg_catalog.pg_database WHERE datname = current_database()`

async function requireSameDatabase(
  admin: Session,
  pool: DriverPool,
  options: { address: ServerAddress; database: string },
): Promise<void> {
  const {
    rows: [seen],
  } = await pool.query<{ id: string }>(identitySql).catch((error: unknown) => {
    throw connectError(error, options)
  })
  const [there] = await admin.query(identitySql)
  if (seen?.id === there?.['id']) return
  const {
    address: { host, port },
    database,
  } = options
  throw new WatertightError(
    'WATERTIGHT_OTHER_SERVER',
    `The application's login leads to ${host}:${port}/${database}, which is not the database of the target`,
    { hint: 'Give --app the same server as --target' },
  )
}
