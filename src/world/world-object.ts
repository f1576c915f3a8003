/** Objects of the isolation matrix, out of what the survey and the ground truth say. */

import type { Catalog, Relation } from '../model/catalog.ts'
import { relationKey } from '../model/catalog.ts'
import type { OwnershipOracle } from '../model/ownership.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import type { WorldObject } from '../model/world.ts'
import { qualified } from '../sql/identifier.ts'
import type { GroundTruth } from './ground-truth.ts'

export interface ObjectSources {
  readonly catalog: Catalog
  readonly truth: GroundTruth
  readonly ownership: OwnershipOracle
  /** Schema whose objects are called by their bare names, beside those in a tenant's place. */
  readonly homeSchema: string | null
}

/** Groups relations into objects: tenants' schemas fold into one object per table. */
export function worldObjects(sources: ObjectSources): readonly WorldObject[] {
  const groups = new Map<string, Relation[]>()
  for (const relation of sources.catalog.relations) {
    const { schema, name } = relation
    const isAtHome =
      schema === sources.homeSchema || sources.ownership.ownerByPlace(relation) !== null
    const title = isAtHome ? name : `${schema}.${name}`
    const group = groups.get(title)
    if (group === undefined) groups.set(title, [relation])
    else group.push(relation)
  }
  return [...groups].map(([name, relations]) => objectOf(name, relations, sources))
}

function objectOf(
  name: string,
  relations: readonly Relation[],
  { truth, ownership }: ObjectSources,
): WorldObject {
  const scoped = new Map(
    relations.flatMap((relation) => {
      const owner = ownership.ownerByPlace(relation)
      return owner === null ? [] : [[owner, relation] as const]
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
    sealed: entries.some((entry) => entry?.sealed === true),
    rowsTotal: countable ? sum(entries.map((entry) => entry?.rows ?? 0)) : null,
    addressOf: (tenant) => qualified(relationOf(tenant) ?? first),
    samplesOf: (tenant) =>
      entries.flatMap((entry) => entry?.samplesByOwner.get(tenant) ?? []).slice(0, 3),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
