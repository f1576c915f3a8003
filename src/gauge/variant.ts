/** What is compared: the same query on the same backend, switched into one variant after the other. */

import type { Tenant } from '../model/tenant.ts'

export interface Variant {
  readonly title: string
  /** Statements outside the timed part that put the backend into the variant, for a tenant. */
  enter(tenant: Tenant): string
  /** True when the query itself must name the tenant. */
  readonly explicitTenant: boolean
}

/** The reference once more: what it differs by from itself is the noise of the run. */
export function againOf(reference: Variant): Variant {
  return { ...reference, title: `${reference.title} (A/A)` }
}
