/** Ground truth of who owns a row: what was planted decides, never the text of a policy. */

import type { Row } from './observation.ts'
import type { TenantId } from './tenant.ts'

export interface Ownership {
  /** Tenant whose planted uuid or watermark occurs anywhere in the value; null when none does. */
  ownerOfValue(value: unknown): TenantId | null
  /** Every tenant recognised in the row: by the tenant column, by planted uuids, by watermarks. */
  ownersIn(row: Row, options?: { readonly tenantColumn?: string | null }): ReadonlySet<TenantId>
}
