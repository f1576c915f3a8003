/** The platform's HTTP service on real pools. */

import { tokenVerifier } from '../../dotmac/access/tokens.ts'
import { readConfiguration, type Variables } from '../../dotmac/configuration.ts'
import { reporter, requireReporting } from '../../dotmac/reporting.ts'
import type { HealthCheck } from '../../dotmac/health/health-check.ts'
import { poolSamples } from '../../dotmac/metrics/pool-samples.ts'
import { prometheusText } from '../../dotmac/metrics/sample.ts'
import { createService } from '../../dotmac/service/service.ts'
import { serviceHealth } from '../../dotmac/service/service-health.ts'
import { serveService } from '../../dotmac/service/serve.ts'
import { tenantMapping } from '../../dotmac/service/tenant-mapping.ts'
import { TenantPools } from '../../dotmac/tenant-pools.ts'
import type { StrategyPool } from '../../model/context-strategy.ts'
import { literal } from '../../sql/identifier.ts'
import type { ServerAddress } from '../../postgres/session/server-address.ts'
import { Session } from '../../postgres/session/session.ts'
import { WatertightError } from '../../errors.ts'
import { checkPlatform } from './platform-health.ts'
import { requireTenancy } from './platform-sessions.ts'
import type { PlatformTarget } from './platform-target.ts'

export interface OpenServiceOptions {
  readonly jwks: URL
  readonly issuer: string
  readonly audience: string
  readonly hostname: string
  readonly port: number
  /** The seed's variables: DB_POOL_SIZE and the others. */
  readonly variables: Variables
  /** The same platform with the reporting role's login; null serves no reports. */
  readonly reporting: PlatformTarget | null
  /** Addresses or networks of proxies whose X-Forwarded-For is believed. Default none. */
  readonly trustedProxies?: readonly string[]
  /** Ms after which the end cuts requests that still run. Default 10,000. */
  readonly drainMs?: number
  readonly onError: (error: unknown) => void
}

export interface OpenService {
  readonly port: number
  close(): Promise<void>
}

/**
 * @throws WatertightError for a database that cannot be reached or holds no platform of this tenancy, a login that is
 *   not the application's, a reporting login that is not the reporting role's, a port in use.
 */
export async function openService(
  target: PlatformTarget,
  options: OpenServiceOptions,
): Promise<OpenService> {
  const { jwks, issuer, audience, hostname, port, variables, onError } = options
  const configuration = readConfiguration(variables)
  const { address, databases, tenancy } = target
  const pools = new TenantPools({ address, database: databases.isp }, configuration.pool)
  const reporting = options.reporting === null ? null : smallPool(options.reporting, 2)
  // Of its own: when all other connections are busy the service is still up.
  const health = smallPool(target, 1)
  const open = [pools, health, ...(reporting === null ? [] : [reporting])]
  // Whoever asked has been answered or cut off: what still runs runs for nobody.
  const end = () => Promise.all(open.map((each) => each.close({ waitMs: 500 })))
  try {
    await requireApplication(target, configuration.enableRls)
    const reports = reporting?.of('reports')
    if (reports !== undefined) await requireReporting({ isp: reports, tenancy })
    const app = createService({
      verifier: tokenVerifier({ jwks, issuer, audience }),
      isp: (tenant, signal) => pools.of(tenant, signal),
      tenancy,
      configuration,
      onError,
      ...(tenancy === 'schema-per-tenant'
        ? { mapping: tenantMapping((tenant) => pools.of(tenant)) }
        : {}),
      trustedProxies: options.trustedProxies ?? [],
      metrics: () => prometheusText(poolSamples(pools.use())),
      ...(reports === undefined
        ? {}
        : { report: reporter({ isp: reports, trail: (tenant) => pools.of(tenant), tenancy }) }),
      health: serviceHealth({
        reach: () => answered(health.of('health')),
        onFault: onError,
        ...(options.reporting === null ? {} : { isolation: checksOf(options.reporting, address) }),
      }),
    })
    const { drainMs } = options
    const service = await serveService(app, {
      port,
      hostname,
      ...(drainMs === undefined ? {} : { drainMs }),
    })
    return {
      port: service.port,
      close: async () => {
        await service.close()
        await end()
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** A few connections to the ISP database that nobody shares with the tenants. */
function smallPool({ address, databases }: PlatformTarget, size: number): TenantPools {
  return new TenantPools(
    { address, database: databases.isp },
    { ...readConfiguration({}).pool, poolSize: size, maxOverflow: 0, tenantPoolPerTenant: size },
  )
}

async function answered(pool: Pick<StrategyPool, 'connect'>): Promise<void> {
  const client = await pool.connect()
  let broken = true
  try {
    await client.query('SELECT 1')
    broken = false
  } finally {
    client.release(broken)
  }
}

/** The four checks on both databases, with two tenants at least where there are any. */
function checksOf(
  reporting: PlatformTarget,
  app: ServerAddress,
): () => Promise<readonly HealthCheck[]> {
  return async () => {
    const found = await checkPlatform(reporting, { app, tenants: 3 })
    return Object.entries(found.services).flatMap(([service, { checks }]) =>
      checks.map((check) => ({ ...check, name: `${service} ${check.name}` })),
    )
  }
}

/**
 * A superuser would serve every tenant's rows to every tenant; so would the reporting role and the tables' owner,
 * and whoever may become one of them.
 */
async function requireApplication(target: PlatformTarget, enableRls: boolean): Promise<void> {
  const { address, databases, roles, tenancy } = target
  const opened = Session.connect({ address, database: databases.isp, pipeline: false })
  await using session = await opened.catch((cause: unknown) => {
    throw new WatertightError(
      'WATERTIGHT_UNREACHABLE',
      `The database ${databases.isp} cannot be reached`,
      { hint: "Look at --target and --isp; the login is the application's", cause },
    )
  })
  await requireTenancy(session, target, true)
  const [row] = await session.query(`SELECT bool_or(r.rolsuper OR r.rolbypassrls) AS bypasses,
      (SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'isp_tenants') AS lists,
      bool_or(r.rolname IN (${literal(roles.admin)}, ${literal(roles.owner)})) AS privileged
    FROM pg_catalog.pg_roles r WHERE pg_has_role(current_user, r.oid, 'MEMBER')`)
  if (row?.['lists'] === '0') {
    throw new WatertightError(
      'WATERTIGHT_NOT_MIGRATED',
      `The database ${databases.isp} is not the ISP database`,
      { hint: 'Name it with --isp' },
    )
  }
  if (!enableRls) return
  if (row?.['bypasses'] !== 't' && row?.['privileged'] !== 't') {
    if (tenancy === 'row-level-security') await refuseUnprotected(session)
    return
  }
  throw new WatertightError(
    'WATERTIGHT_RIGHTS',
    row['bypasses'] === 't'
      ? `The login ${address.user} bypasses row security`
      : `The login ${address.user} is, or may become, the reporting role or the owner of the tables`,
    { hint: `Serve as the application (${roles.app}), which the policies bind` },
  )
}

/** @throws WatertightError WATERTIGHT_RLS_OFF: a table of the tenants that this login reaches and no policy guards. */
async function refuseUnprotected(session: Session): Promise<void> {
  const open = await session.query(`SELECT c.oid::regclass::text AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
      AND pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE')
      AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
        AND NOT a.attisdropped)
    ORDER BY 1`)
  if (open.length === 0) return
  throw new WatertightError(
    'WATERTIGHT_RLS_OFF',
    `Row security is not enforced on ${open.map(({ name }) => String(name)).join(', ')}`,
    {
      hint: 'Enable and force it; or ENABLE_RLS=false, where every query names the tenant and nothing else protects',
    },
  )
}
