/** What a write form is built from: the relation that holds the victim's rows, and one row of each side. */

import type { Relation } from '../../model/catalog.ts'
import type { Row } from '../../model/observation.ts'
import type { Tenant } from '../../model/tenant.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { keyCondition, writableColumn } from '../statements.ts'
import { ownedTables, targetOf, type Target } from '../../world/targets.ts'
import type { WorldObject } from '../../model/world.ts'
import type { World } from '../../world/world.ts'

export interface WriteRequest {
  readonly world: World
  readonly object: WorldObject
  readonly attacker: Tenant
  readonly victim: Tenant
  /** Relation with the victim's rows, and with the attacker's: the same one where tenants share tables. */
  readonly foreign: Target
  readonly own: Target
  readonly foreignRow: Row
  readonly ownRow: Row
  /** `"column" = 'new value'` of a harmless column. */
  readonly assignment: string
  /** Condition by which the victim's row is named; the attacker knows its key. */
  readonly foreignKey: string
  readonly ownKey: string
}

/** Null when one of the two has no row to write about. */
export function writeRequest(
  world: World,
  object: WorldObject,
  pair: { readonly attacker: Tenant; readonly victim: Tenant },
): WriteRequest | null {
  const { attacker, victim } = pair
  const [own, foreign] = [writable(world, object, attacker), writable(world, object, victim)]
  const [ownRow, foreignRow] = [own?.row ?? null, foreign?.row ?? null]
  if (own === null || foreign === null || ownRow === null || foreignRow === null) return null
  const column = writableColumn(foreign.relation)
  const first = identifier(foreign.relation.columns[0]?.name ?? 'id')
  return {
    world,
    object,
    attacker,
    victim,
    own,
    foreign,
    ownRow,
    foreignRow,
    assignment:
      column === null
        ? `${first} = ${first}`
        : `${identifier(column.name)} = ${literal(column.value)}`,
    foreignKey: keyCondition(foreign.relation, foreignRow),
    ownKey: keyCondition(own.relation, ownRow),
  }
}

/**
 * The tenant's relation and a row of it. A view has neither keys nor rows of its own that are known: they
 * are those of a table that has all of its columns.
 */
function writable(
  world: World,
  object: WorldObject,
  tenant: Tenant,
): (Target & { readonly row: Row | null }) | null {
  const target = targetOf(object, tenant)
  if (target === null) return null
  const [sample] = object.samplesOf(tenant.id)
  if (object.kind !== 'view' || sample !== undefined) return { ...target, row: sample ?? null }
  const names = target.relation.columns.map(({ name }) => name)
  const base = ownedTables(world).find(
    (table) => hasAll(table.relationOf(tenant), names) && table.samplesOf(tenant.id).length > 0,
  )
  const [relation, row] = [base?.relationOf(tenant) ?? null, base?.samplesOf(tenant.id)[0]]
  if (relation === null || row === undefined) return { ...target, row: null }
  const { primaryKey, uniqueKeys, foreignKeys } = relation
  return {
    ...target,
    relation: { ...target.relation, primaryKey, uniqueKeys, foreignKeys },
    row: Object.fromEntries(names.map((name) => [name, row[name] ?? null])),
  }
}

function hasAll(relation: Relation | null, names: readonly string[]): boolean {
  return (
    relation !== null &&
    names.every((name) => relation.columns.some((column) => column.name === name))
  )
}
