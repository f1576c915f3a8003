/**
 * The facts of a world: one database, what is in it and who owns it. Plain values: probes ask them for
 * cells and judge by them, without a connection. How a world came to be is for nobody to ask but reports.
 */

import type { Capabilities } from './capability.ts'
import type { Catalog, Relation, RelationKind, TablePrivilege } from './catalog.ts'
import type { TenantContext } from './context.ts'
import type { Row } from './observation.ts'
import type { OwnershipOracle } from './ownership.ts'
import type { RoleNames } from './roles.ts'
import type { WorldId } from './tenancy.ts'
import type { Tenant, TenantId } from './tenant.ts'

/** An object of the isolation matrix: the same table for all tenants, wherever each one's rows are. */
export interface WorldObject {
  /** Row of the matrix, e.g. `isp_customers`. */
  readonly name: string
  readonly kind: RelationKind
  /** True when no row belongs to anybody: reference data. Unknown for views: false. */
  readonly shared: boolean
  /** True when content of it looks encrypted: whose it is cannot be told. */
  readonly sealed: boolean
  /** The relation that holds this tenant's rows. */
  relationOf(tenant: Tenant): Relation | null
  /** Qualified, quoted SQL name of that relation. */
  addressOf(tenant: Tenant): string
  /** Rows the tenant owns, counted by the admin when the world was opened; null for views. */
  rowsOf(tenant: TenantId): number | null
  /** Rows of all tenants together; null for views. */
  readonly rowsTotal: number | null
  /** Up to three whole rows of the tenant as the admin reads them, the canary first. */
  samplesOf(tenant: TenantId): readonly Row[]
}

/** What stands beside the tables in one world of a target and is asked there once for all of them. */
export type Companion = 'server' | 'pooler' | 'http' | 'operations'

export interface WorldFacts {
  readonly id: WorldId
  /** The id as one text, used in fingerprints. */
  readonly key: string
  readonly origin: 'planted' | 'surveyed' | 'cloned'
  readonly database: string
  readonly catalog: Catalog
  readonly objects: readonly WorldObject[]
  readonly tenants: readonly Tenant[]
  readonly ownership: OwnershipOracle
  readonly context: TenantContext
  readonly capabilities: Capabilities
  /** Tenants are kept apart by what rows carry, or by where they lie. */
  readonly separatedBy: 'rows' | 'places'
  readonly speaksFor: ReadonlySet<Companion>
  readonly roles: RoleNames
  /** Role of the application. */
  readonly application: string
  /** Login of the administrator. */
  readonly administrator: string
  tenant(id: TenantId): Tenant
  /** True when the platform grants the application the right that the cell's path needs. */
  expects(cell: { readonly name: string; readonly privilege?: TablePrivilege }): boolean
}
