/** What every health check looks at, and what it says. */

import type { ContextStrategy, StrategyPool, StrategySession } from '../../model/context-strategy.ts'
import type { Service, TenancyName } from '../../model/tenancy.ts'
import type { Session } from '../../postgres/session.ts'
import type { RoleNames } from '../roles.ts'
import type { MappedTenant } from '../migrations/places.ts'
import { bindSchema, bindSetting, transactionScoped } from '../tenant-session.ts'

export interface HealthSubject {
  readonly service: Service
  readonly tenancy: TenancyName
  readonly roles: RoleNames
  /** Reads the system tables; needs no more than dotmac_admin's rights for that. */
  readonly admin: Session
  /** The application's own pool. */
  readonly pool: Pick<StrategyPool, 'connect'>
  readonly tenants: readonly MappedTenant[]
  /** The strategy that the application uses. Default the transaction-scoped one of the tenancy. */
  readonly strategy?: ContextStrategy
}

export interface HealthCheck {
  readonly name: string
  /** Nothing found AND something looked at. */
  readonly ok: boolean
  readonly findings: readonly string[]
  readonly lookedAt: Readonly<Record<string, number>>
  readonly checkedAt: string
}

/** Runs the work in one transaction in the tenant's context, by the strategy on trial. */
export function inTenant<T>(
  { pool, strategy, tenancy }: HealthSubject, tenant: MappedTenant, work: (session: StrategySession) => Promise<T>,
): Promise<T> {
  const own = strategy ?? transactionScoped(tenancy === 'schema-per-tenant' ? bindSchema : bindSetting)
  return own.withTenant(pool as StrategyPool, { ...tenant, toString: () => tenant.id }, work)
}

/** A count of 0 is never ok: nothing was looked at. */
export function healthCheck(
  name: string, findings: readonly string[], lookedAt: Readonly<Record<string, number>>,
): HealthCheck {
  const isSeen = Object.values(lookedAt).length > 0 && Object.values(lookedAt).every((count) => count > 0)
  return { name, ok: isSeen && findings.length === 0, findings, lookedAt, checkedAt: new Date().toISOString() }
}

/** True when the check saw nothing it could judge: inconclusive, not broken. */
export function isInconclusive(check: HealthCheck): boolean {
  return !check.ok && check.findings.length === 0
}
