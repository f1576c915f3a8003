/** An object of the isolation matrix: the same table for all tenants, wherever each one's rows are. */

import type { Catalog, Relation, RelationKind } from '../model/catalog.ts'
import { relationKey } from '../model/catalog.ts'
import type { Row } from '../model/observation.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import { qualified } from '../sql/identifier.ts'
import type { GroundTruth } from './ground-truth.ts'
import type { WorldOptions } from './world.ts'

export interface WorldObject {
  /** Row of the matrix, e.g. `isp_customers`. */
  readonly name: string
  readonly kind: RelationKind
  /** True when no row belongs to anybody: reference data. Unknown for views: false. */
  readonly shared: boolean
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

/** Groups relations into objects: tenants' schemas fold into one object per table. */
export function worldObjects(
  options: WorldOptions,
  content: { readonly catalog: Catalog; readonly truth: GroundTruth },
): readonly WorldObject[] {
  const bySchema = new Map(options.tenants.map((tenant) => [tenant.schema, tenant]))
  const groups = new Map<string, Relation[]>()
  for (const relation of content.catalog.relations) {
    const name = options.tenancy.objectName(relation, bySchema)
    groups.set(name, [...(groups.get(name) ?? []), relation])
  }
  return [...groups].map(([name, relations]) =>
    objectOf(name, relations, { options, ...content, bySchema }),
  )
}

interface Context {
  readonly options: WorldOptions
  readonly truth: GroundTruth
  readonly bySchema: ReadonlyMap<string, Tenant>
}

function objectOf(name: string, relations: readonly Relation[], context: Context): WorldObject {
  const { truth, bySchema, options } = context
  const tenancy = options.tenancy
  const scoped = new Map(
    relations.flatMap((relation) => {
      const tenant = tenancy.tenantOf(relation, bySchema)
      return tenant === null ? [] : [[tenant.id, relation] as const]
    }),
  )
  const first = relations[0]
  if (first === undefined) throw new Error(`the object ${name} has no relation`)
  const relationOf = (tenant: Tenant) => (scoped.size > 0 ? (scoped.get(tenant.id) ?? null) : first)
  const entries = relations.map((relation) => truth.get(relationKey(relation)))
  const countable = entries.every((entry) => entry !== undefined)
  const rowsOf = (tenant: TenantId) =>
    countable ? sum(entries.map((entry) => entry?.rowsByOwner.get(tenant) ?? 0)) : null
  return {
    name,
    kind: first.kind,
    relationOf,
    rowsOf,
    shared: countable && entries.every((entry) => entry?.shared === true),
    rowsTotal: countable ? sum(entries.map((entry) => entry?.rows ?? 0)) : null,
    addressOf: (tenant) => qualified(relationOf(tenant) ?? first),
    samplesOf: (tenant) =>
      entries.flatMap((entry) => entry?.samplesByOwner.get(tenant) ?? []).slice(0, 3),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
