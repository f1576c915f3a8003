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

/** Each limit's variable, default and bounds; what counts connections is whole. */
const poolBounds = {
  poolSize: { variable: 'DB_POOL_SIZE', fallback: 20, least: 1, most: 10_000 },
  maxOverflow: { variable: 'DB_MAX_OVERFLOW', fallback: 50, least: 0, most: 10_000 },
  poolTimeout: { variable: 'DB_POOL_TIMEOUT', fallback: 30, least: 1, most: 3_600 },
  poolRecycle: { variable: 'DB_POOL_RECYCLE', fallback: 3_600, least: 1, most: 604_800 },
  tenantPoolPerTenant: {
    variable: 'DB_TENANT_POOL_PER_TENANT',
    fallback: 5,
    least: 1,
    most: 10_000,
  },
  tenantConnectionTimeout: {
    variable: 'DB_TENANT_CONNECTION_TIMEOUT',
    fallback: 10,
    least: 1,
    most: 3_600,
  },
} as const satisfies Record<keyof PoolConfiguration, Bounds>

interface Bounds {
  readonly variable: string
  readonly fallback: number
  readonly least: number
  readonly most: number
}

/**
 * Reads the variables; the caller hands them over, so that a library never looks around by itself.
 * @throws WatertightError WATERTIGHT_BAD_VARIABLE that names every variable that cannot be used.
 */
export function readConfiguration(variables: Variables): Configuration {
  const faults: string[] = []
  // Callers without types hand over anything.
  const given = (variables as Readonly<Record<string, unknown>> | null) ?? null
  if (typeof given !== 'object' || given === null) faults.push('The variables are no object')
  const read = { variables: given ?? {}, faults }
  const limit = (name: keyof PoolConfiguration) => integer(read, poolBounds[name])
  const pool: PoolConfiguration = {
    poolSize: limit('poolSize'),
    maxOverflow: limit('maxOverflow'),
    poolTimeout: limit('poolTimeout'),
    poolRecycle: limit('poolRecycle'),
    tenantPoolPerTenant: limit('tenantPoolPerTenant'),
    tenantConnectionTimeout: limit('tenantConnectionTimeout'),
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

/**
 * For limits that did not come from readConfiguration: whole numbers within the same bounds.
 * @throws WatertightError WATERTIGHT_BAD_OPTION that names every limit that is none.
 */
export function requireLimits(limits: PoolConfiguration): void {
  const given = ((limits as PoolConfiguration | null) ?? {}) as Readonly<Record<string, unknown>>
  const faults = Object.entries(poolBounds).flatMap(([name, { least, most }]) => {
    const value = given[name]
    const isGood =
      typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
    return isGood ? [] : [`${name} is ${shown(value)}, not a whole number from ${least} to ${most}`]
  })
  if (faults.length === 0) return
  throw new WatertightError('WATERTIGHT_BAD_OPTION', faults.join('; '), {
    hint: 'Take the limits from readConfiguration, which knows the defaults',
  })
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'number'
      ? String(value)
      : typeof value
}

interface Reading {
  readonly variables: Readonly<Record<string, unknown>>
  readonly faults: string[]
}

/** Undefined when it is not set; null when it is no text. */
function textOf({ variables }: Reading, name: string): string | undefined | null {
  const value = variables[name]
  return value === undefined ? undefined : typeof value === 'string' ? value.trim() : null
}

function flag(reading: Reading, name: string): boolean {
  const text = textOf(reading, name)
  if (text === undefined) return true
  const word = text?.toLowerCase() ?? ''
  if (['true', '1', 'yes', 'on'].includes(word)) return true
  if (['false', '0', 'no', 'off'].includes(word)) return false
  reading.faults.push(`${name} is ${shown(reading.variables[name])}, neither true nor false`)
  return true
}

function integer(reading: Reading, { variable, fallback, least, most }: Bounds): number {
  const text = textOf(reading, variable)
  if (text === undefined) return fallback
  const value = text !== null && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  reading.faults.push(
    `${variable} is ${shown(reading.variables[variable])}, not a whole number from ${least} to ${most}`,
  )
  return fallback
}
