/** Ground truth of who owns a row: what was planted or surveyed decides, never the text of a policy. */

import type { Relation } from './catalog.ts'
import type { Row } from './observation.ts'
import type { TenantId } from './tenant.ts'

export interface Ownership {
  /** Tenant whose mark occurs anywhere in the value; null when none does. */
  ownerOfValue(value: unknown): TenantId | null
  /** Every tenant recognised in the row: by the tenant column, by marks. */
  ownersIn(row: Row, options?: { readonly tenantColumn?: string | null }): ReadonlySet<TenantId>
}

export interface OwnershipOracle extends Ownership {
  /** Names of columns that carry the tenant, in the order of their frequency; empty where rows lie apart. */
  readonly columns: readonly string[]
  /** As `ownersIn`, also by the columns of that name in any output; with the relation, by its place as well. */
  ownersOf(row: Row, from: Place | null): ReadonlySet<TenantId>
  /** Tenant that owns every row of the relation by where it lies; null when rows carry their owner. */
  ownerByPlace(relation: Pick<Relation, 'schema'>): TenantId | null
  /** SQL over the alias t that says who owns the row, as text; null where rows do not say. */
  ownerSql(relation: Place): string | null
  /** SET clause that gives a row to the tenant; null where nothing can be given away in place. */
  giveSql(relation: Place, to: TenantId): string | null
  /** Texts that occur in this tenant's rows and in no others. */
  marksOf(tenant: TenantId): readonly string[]
  /** A text of this run that names the tenant: what neighbours and leftovers carry. */
  sessionMark(tenant: TenantId): string
}

/** What the oracle needs to know of a relation. */
export type Place = Pick<Relation, 'schema' | 'tenantColumn'>
