/** The variables of the seed's production configuration: read, bounded, and refused by name when they are nonsense. */

import { WatertightError } from '../errors.ts'

export interface PoolConfiguration {
  /** Connections that are kept. DB_POOL_SIZE, default 20. */
  readonly poolSize: number
  /** Connections beyond, closed when they come back. DB_MAX_OVERFLOW, default 50. */
  readonly maxOverflow: number
  /** Seconds a request waits for the pool. DB_POOL_TIMEOUT, default 30. */
  readonly poolTimeout: number
  /** Seconds after which a connection is replaced. DB_POOL_RECYCLE, default 3,600. */
  readonly poolRecycle: number
  /** Connections of one tenant at the same time. DB_TENANT_POOL_PER_TENANT, default 5. */
  readonly tenantPoolPerTenant: number
  /** Seconds a request waits for its tenant's share. DB_TENANT_CONNECTION_TIMEOUT, default 10. */
  readonly tenantConnectionTimeout: number
}

export interface Configuration {
  /** ENABLE_RLS: false serves a database without policies, where every query names the tenant. Default true. */
  readonly enableRls: boolean
  /** REQUIRE_TENANT_COLUMN: a migration must guard every table that it makes. Default true. */
  readonly requireTenantColumn: boolean
  /** ENABLE_AUDIT_TRIGGERS: writes are audited by triggers. Default true. */
  readonly enableAuditTriggers: boolean
  /** TENANT_ISOLATION_STRICT: a request that names another tenant than its token is refused. Default true. */
  readonly tenantIsolationStrict: boolean
  /** AUDIT_TENANT_ACCESS: the session layer records access and refusals. Default true. */
  readonly auditTenantAccess: boolean
  readonly pool: PoolConfiguration
}

export type Variables = Readonly<Record<string, string | undefined>>

/**
 * Reads the variables; the caller hands them over, so that a library never looks around by itself.
 * @throws WatertightError WATERTIGHT_BAD_VARIABLE that names every variable that cannot be used.
 */
export function readConfiguration(variables: Variables): Configuration {
  const faults: string[] = []
  const read = { variables, faults }
  const pool = {
    poolSize: integer(read, 'DB_POOL_SIZE', { fallback: 20, least: 1, most: 10_000 }),
    maxOverflow: integer(read, 'DB_MAX_OVERFLOW', { fallback: 50, least: 0, most: 10_000 }),
    poolTimeout: integer(read, 'DB_POOL_TIMEOUT', { fallback: 30, least: 1, most: 3_600 }),
    poolRecycle: integer(read, 'DB_POOL_RECYCLE', { fallback: 3_600, least: 1, most: 604_800 }),
    tenantPoolPerTenant: integer(read, 'DB_TENANT_POOL_PER_TENANT', { fallback: 5, least: 1, most: 10_000 }),
    tenantConnectionTimeout: integer(read, 'DB_TENANT_CONNECTION_TIMEOUT', { fallback: 10, least: 1, most: 3_600 }),
  }
  const configuration: Configuration = {
    enableRls: flag(read, 'ENABLE_RLS'),
    requireTenantColumn: flag(read, 'REQUIRE_TENANT_COLUMN'),
    enableAuditTriggers: flag(read, 'ENABLE_AUDIT_TRIGGERS'),
    tenantIsolationStrict: flag(read, 'TENANT_ISOLATION_STRICT'),
    auditTenantAccess: flag(read, 'AUDIT_TENANT_ACCESS'),
    pool: Object.freeze(pool),
  }
  if (faults.length > 0) {
    throw new WatertightError('WATERTIGHT_BAD_VARIABLE', faults.join('; '), {
      hint: 'Flags are true or false, limits whole numbers; leave a variable out for its default',
    })
  }
  return Object.freeze(configuration)
}

interface Reading {
  readonly variables: Variables
  readonly faults: string[]
}

function flag({ variables, faults }: Reading, name: string): boolean {
  const text = variables[name]?.trim().toLowerCase()
  if (text === undefined || ['true', '1', 'yes', 'on'].includes(text)) return true
  if (['false', '0', 'no', 'off'].includes(text)) return false
  faults.push(`${name} is ${JSON.stringify(variables[name])}, neither true nor false`)
  return true
}

interface Bounds {
  readonly fallback: number
  readonly least: number
  readonly most: number
}

function integer({ variables, faults }: Reading, name: string, { fallback, least, most }: Bounds): number {
  const text = variables[name]?.trim()
  if (text === undefined) return fallback
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  faults.push(`${name} is ${JSON.stringify(variables[name])}, not a whole number from ${least} to ${most}`)
  return fallback
}
