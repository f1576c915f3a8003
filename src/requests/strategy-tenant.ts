/**
 * The tenant that strategies receive. Strategies are other people's code: some use the tenant as a
 * text, some ask for its id, some pass it as a query parameter. It serves all of them.
 */

import type { StrategyTenant } from '../model/context-strategy.ts'
import type { Tenant } from '../model/tenant.ts'

class TextualTenant extends String implements StrategyTenant {
  readonly id: string
  readonly schema: string
  readonly role: string

  constructor(tenant: Tenant) {
    super(tenant.id)
    this.id = tenant.id
    this.schema = tenant.schema
    this.role = tenant.role
  }

  /** Asked by the driver when the tenant itself is a query parameter. */
  toPostgres(): string {
    return this.id
  }
}

const known = new WeakMap<Tenant, StrategyTenant>()

/** The same object for the same tenant, so that it can be the key of a map. */
export function strategyTenant(tenant: Tenant): StrategyTenant {
  const existing = known.get(tenant)
  if (existing !== undefined) return existing
  const made = new TextualTenant(tenant)
  known.set(tenant, made)
  return made
}
