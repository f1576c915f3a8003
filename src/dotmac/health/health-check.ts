/** What every health check looks at, and what it says. */

import type {
  ContextStrategy,
  StrategyPool,
  StrategySession,
} from '../../model/context-strategy.ts'
import type { Service, TenancyName } from '../../model/tenancy.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { RoleNames } from '../../model/roles.ts'
import type { MappedTenant } from '../migrations/places.ts'
import { bindSchema, bindSetting, transactionScoped } from '../tenant-session.ts'

export interface HealthSubject {
  readonly service: Service
  readonly tenancy: TenancyName
  readonly roles: RoleNames
  /** Reads the system tables and every tenant's rows: dotmac_admin, a superuser or BYPASSRLS. */
  readonly admin: Session
  /** The application's own pool. */
  readonly pool: Pick<StrategyPool, 'connect'>
  /** All of them: what the system tables tell is asked of each. */
  readonly tenants: readonly MappedTenant[]
  /** Of how many tenants statements are tried, the first ones. Default all. */
  readonly asked?: number
  /** Why tenants that are listed are not among them: nobody has judged those. Default none. */
  readonly without?: readonly string[]
  /** The strategy that the application uses. Default the transaction-scoped one of the tenancy. */
  readonly strategy?: ContextStrategy
}

export interface HealthCheck {
  readonly name: string
  /** Nothing found, nothing left unjudged AND something looked at. */
  readonly ok: boolean
  readonly findings: readonly string[]
  /** What was seen and cannot be judged from here: it may be right, and nobody should call it healthy. */
  readonly unjudged: readonly string[]
  readonly lookedAt: Readonly<Record<string, number>>
  readonly checkedAt: string
}

export interface Found {
  readonly findings: readonly string[]
  readonly unjudged: readonly string[]
}

/** Runs the work in one transaction in the tenant's context, by the strategy on trial. */
export function inTenant<T>(
  { pool, strategy, tenancy }: HealthSubject,
  tenant: MappedTenant,
  work: (session: StrategySession) => Promise<T>,
): Promise<T> {
  const own =
    strategy ?? transactionScoped(tenancy === 'schema-per-tenant' ? bindSchema : bindSetting)
  return own.withTenant(pool as StrategyPool, { ...tenant, toString: () => tenant.id }, work)
}

/** Those of whom statements are tried. */
export function askedTenants({ tenants, asked }: HealthSubject): readonly MappedTenant[] {
  return asked === undefined ? tenants : tenants.slice(0, asked)
}

/** A count of 0 is never ok: nothing was looked at. */
export function healthCheck(
  name: string,
  lookedAt: Readonly<Record<string, number>>,
  { findings, unjudged }: Found,
): HealthCheck {
  const isSeen =
    Object.values(lookedAt).length > 0 && Object.values(lookedAt).every((count) => count > 0)
  const ok = isSeen && findings.length === 0 && unjudged.length === 0
  return { name, ok, findings, unjudged, lookedAt, checkedAt: new Date().toISOString() }
}

/** All of them together, each sentence once. */
export function together(...found: readonly Found[]): Found {
  const once = (key: keyof Found) => [...new Set(found.flatMap((each) => each[key]))]
  return { findings: once('findings'), unjudged: once('unjudged') }
}

/** True when the check saw nothing it could judge: inconclusive, not broken. */
export function isInconclusive(check: HealthCheck): boolean {
  return !check.ok && check.findings.length === 0
}
