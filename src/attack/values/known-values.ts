/** The values of a tenant that an attacker may know or guess: those of its rows, and the tables they are in. */

import type { Relation } from '../../model/catalog.ts'
import type { TenantId } from '../../model/tenant.ts'
import type { World } from '../../world/world.ts'
import { familyOf, type Family } from './type-shape.ts'

export interface KnownValue {
  /** Name of the object. */
  readonly object: string
  readonly column: string
  readonly family: Family
  /** As format_type() prints the column's. */
  readonly type: string
  readonly value: string
  /** Part of a primary or unique key. */
  readonly isKey: boolean
  /** Carries a mark of its owner, so that nobody else has it. */
  readonly isMarked: boolean
}

/** Rows of a table whose values are known: two, because a list takes more than one. */
const rowsMax = 2

const known = new WeakMap<World, Map<TenantId, readonly KnownValue[]>>()

/** Of every table, first rows first; keys before other columns of a row. */
export function knownValues(world: World, tenant: TenantId): readonly KnownValue[] {
  const byTenant = known.get(world) ?? new Map<TenantId, readonly KnownValue[]>()
  known.set(world, byTenant)
  const values = byTenant.get(tenant) ?? read(world, tenant)
  byTenant.set(tenant, values)
  return values
}

function read(world: World, tenant: TenantId): readonly KnownValue[] {
  return Array.from({ length: rowsMax }, (_, index) =>
    world.objects
      .filter(({ kind }) => kind !== 'partition')
      .flatMap((object) => {
        const row = object.samplesOf(tenant)[index]
        const relation = object.relationOf(world.tenant(tenant))
        return row === undefined || relation === null
          ? []
          : relation.columns
              .flatMap(({ name, type }): KnownValue[] => {
                const value = row[name] ?? null
                if (value === null || name === relation.tenantColumn) return []
                const text = String(value)
                return [
                  {
                    object: object.name,
                    column: name,
                    family: familyOf(type),
                    type,
                    value: text,
                    isKey: isKeyOf(relation, name),
                    isMarked: world.ownership.ownerOfValue(text) === tenant,
                  },
                ]
              })
              .toSorted((a, b) => Number(b.isKey) - Number(a.isKey))
      }),
  ).flat()
}

function isKeyOf({ primaryKey, uniqueKeys }: Relation, name: string): boolean {
  return [primaryKey, ...uniqueKeys].some((key) => key.includes(name))
}

/** What an argument or a column wishes for, apart from its type. */
export interface Wish {
  readonly name: string
  /** Text that may name tables and columns: the source of a function, the definition of a view. */
  readonly about: string
}

/** `p_customer_id` wishes for what is called customer. */
function stemOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/^(p|in|arg|v|_)_?(?=[a-z])/, '')
    .replace(/_?(id|ids|uuid|key|no|number|code|list|array)$/, '')
}

/**
 * The values in the order in which they are worth trying: of what is called like the wish, of tables that are
 * spoken of, keys and marked values, and then all others. A name only orders; it leaves nothing out.
 */
export function ranked(
  values: readonly KnownValue[],
  { name, about }: Wish,
): readonly KnownValue[] {
  const [stem, bare] = [stemOf(name), name.toLowerCase().replace(/^(p|in|arg|v|_)_/, '')]
  const spokenOf = new Set(
    [...new Set(values.map((each) => each.object))].filter((object) => about.includes(object)),
  )
  const score = ({ object, column, isKey, isMarked }: KnownValue) =>
    (column === bare || column === name || (stem !== '' && column === `${stem}_id`) ? 8 : 0) +
    (stem.length > 2 && object.includes(stem) && isKey ? 6 : 0) +
    (spokenOf.has(object) ? 5 : 0) +
    (isKey ? 2 : 0) +
    (isMarked ? 1 : 0)
  const scored = values.map((value, index) => ({ value, index, score: score(value) }))
  const sorted = scored.toSorted((a, b) => b.score - a.score || a.index - b.index)
  const seen = new Set<string>()
  return sorted.flatMap(({ value }) => {
    if (seen.has(value.value)) return []
    seen.add(value.value)
    return [value]
  })
}
