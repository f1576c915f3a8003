/** The platform's HTTP service on real pools. */

import { tokenVerifier } from '../dotmac/access/tokens.ts'
import { readConfiguration, type Variables } from '../dotmac/configuration.ts'
import { reporter } from '../dotmac/reporting.ts'
import type { HealthCheck } from '../dotmac/health/health-check.ts'
import { createService } from '../dotmac/service/service.ts'
import { serviceHealth } from '../dotmac/service/service-health.ts'
import { serveService } from '../dotmac/service/serve.ts'
import { TenantPools } from '../dotmac/tenant-pools.ts'
import { openDriverPool, type DriverPool } from '../postgres/driver-pool.ts'
import type { ServerAddress } from '../postgres/server-address.ts'
import { WatertightError } from '../errors.ts'
import { checkPlatform } from './platform-health.ts'
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
  readonly onError: (error: unknown) => void
}

export interface OpenService {
  readonly port: number
  close(): Promise<void>
}

/** @throws WatertightError for a database that cannot be reached, a login that bypasses the policies, a port in use. */
export async function openService(target: PlatformTarget, options: OpenServiceOptions): Promise<OpenService> {
  const { jwks, issuer, audience, hostname, port, variables, onError } = options
  const configuration = readConfiguration(variables)
  const { address, databases, tenancy } = target
  const pools = new TenantPools({ address, database: databases.isp }, configuration.pool)
  const reporting = options.reporting === null ? null
    : openDriverPool({ address: options.reporting.address, database: options.reporting.databases.isp, max: 2 })
  // Of its own: when all other connections are busy the service is still up.
  const health = openDriverPool({ address, database: databases.isp, max: 1 })
  const end = async () => {
    await pools.close()
    await health.end()
    await reporting?.end()
  }
  try {
    if (configuration.enableRls) await refuseUnprotected(target)
    const app = createService({
      verifier: tokenVerifier({ jwks, issuer, audience }), isp: (tenant) => pools.of(tenant), tenancy, configuration,
      onError, ...(reporting === null ? {} : { report: reporter({ isp: reporting, tenancy }) }),
      health: serviceHealth({
        reach: () => health.query('SELECT 1'), onFault: onError,
        ...(options.reporting === null ? {} : { isolation: checksOf(options.reporting, address) }),
      }),
    })
    const service = await serveService(app, { port, hostname })
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

/** The four checks on both databases, with two tenants at least where there are any. */
function checksOf(reporting: PlatformTarget, app: ServerAddress): () => Promise<readonly HealthCheck[]> {
  return async () => {
    const found = await checkPlatform(reporting, { app, tenants: 3 })
    return Object.entries(found.services).flatMap(([service, { checks }]) =>
      checks.map((check) => ({ ...check, name: `${service} ${check.name}` })))
  }
}

/** ENABLE_RLS: no login that bypasses the policies, and under row-level security no tenants' table without them. */
async function refuseUnprotected({ address, databases, tenancy }: PlatformTarget): Promise<void> {
  const pool = openDriverPool({ address, database: databases.isp, max: 1 })
  const { row, open } = await read(pool).catch((cause: unknown) => {
    throw new WatertightError('WATERTIGHT_UNREACHABLE', `The database ${databases.isp} cannot be reached`, {
      hint: 'Look at --target and --isp; the login is the application\'s', cause })
  }).finally(() => pool.end())
  if (row?.bypasses === 't') {
    throw new WatertightError('WATERTIGHT_RIGHTS', `The login ${address.user} bypasses row security`, {
      hint: 'Serve as the application (dotmac_app), which the policies bind' })
  }
  if (tenancy === 'schema-per-tenant' || open.length === 0) return
  throw new WatertightError('WATERTIGHT_RLS_OFF',
    `Row security is not enforced on ${open.map(({ name }) => name).join(', ')}`,
    { hint: 'Enable and force it; or ENABLE_RLS=false, where every query names the tenant and nothing else protects' })
}

async function read(pool: DriverPool): Promise<{ row: { bypasses: string } | undefined; open: { name: string }[] }> {
  const { rows: [row] } = await pool.query<{ bypasses: string }>(`SELECT rolsuper OR rolbypassrls AS bypasses
    FROM pg_catalog.pg_roles WHERE rolname = current_user`)
  const { rows: open } = await pool.query<{ name: string }>(`SELECT c.oid::regclass::text AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
      AND pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE')
      AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
        AND NOT a.attisdropped)
    ORDER BY 1`)
  return { row, open }
}
