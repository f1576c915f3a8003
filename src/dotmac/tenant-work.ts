/** The one place where audit, health and metrics enter a tenant's context. */

import type { ContextStrategy, StrategyPool, StrategySession } from '../model/context-strategy.ts'
import type { TenancyName } from '../model/tenancy.ts'
import { tenantNames } from './tenant-names.ts'
import { bindSchema, bindSetting, transactionScoped } from './tenant-session.ts'

/** A tenant by id; schema and role where they are not those that follow from the id. */
export interface ActingTenant { readonly id: string; readonly schema?: string; readonly role?: string }

export type WorkingPool = Pick<StrategyPool, 'connect'>

/** The platform's own strategy for a tenancy. */
export function strategyOf(tenancy: TenancyName): ContextStrategy {
  return transactionScoped(tenancy === 'schema-per-tenant' ? bindSchema : bindSetting)
}

/** Runs the work in one transaction in the tenant's context. @throws what the work throws, after ROLLBACK. */
export function inTenant<T>(
  pool: WorkingPool, { tenant, strategy }: { tenant: ActingTenant; strategy: ContextStrategy },
  work: (session: StrategySession) => Promise<T>,
): Promise<T> {
  return strategy.withTenant(pool as StrategyPool, { ...tenantNames(tenant.id), ...tenant }, work)
}
