/** Inputs that most probes share: who attacks whom. Shrinking goes to the first tenants of the plan. */

import fc from 'fast-check'
import type { Cell } from '../probe/define.ts'
import type { TenantId } from '../model/tenant.ts'
import type { WorldObject } from '../model/world.ts'
import type { World } from '../world/world.ts'

/** Tenant ids, not tenants: an input is JSON. */
export interface Pair {
  readonly attacker: TenantId
  readonly victim: TenantId
}

/** Two different tenants, the victim among those that have rows of the object. */
export function anyPair(world: World, object: WorldObject | null = null): fc.Arbitrary<Pair> {
  const ids = world.tenants.map((tenant) => tenant.id)
  return fc
    .record({
      attacker: fc.constantFrom(...ids),
      victim: fc.constantFrom(...victimsOf(world, object)),
    })
    .filter(({ attacker, victim }) => attacker !== victim)
}

/** A pair and the form of the attack. */
export function anyAttack<Form extends string>(
  world: World,
  object: WorldObject | null,
  forms: readonly Form[],
): fc.Arbitrary<Pair & { readonly form: Form }> {
  return fc.record({ pair: anyPair(world, object), form: fc.constantFrom(...forms) }).map(
    ({ pair, form }) => ({ ...pair, form }),
    (value) => {
      const { attacker, victim, form } = value as Pair & { readonly form: Form }
      return { pair: { attacker, victim }, form }
    },
  )
}

export function anyTenantId(world: World): fc.Arbitrary<TenantId> {
  return fc.constantFrom(...world.tenants.map((tenant) => tenant.id))
}

/** A pair in which the attacker has rows of the object. */
export function anyPairOfOwners(world: World, object: WorldObject | null): fc.Arbitrary<Pair> {
  const ids = world.tenants.map((tenant) => tenant.id)
  return fc
    .record({
      attacker: fc.constantFrom(...victimsOf(world, object)),
      victim: fc.constantFrom(...ids),
    })
    .filter(({ attacker, victim }) => attacker !== victim)
}

/** Every tenant attacks the next one that has rows: small, and no tenant is left out. */
export function everyAttacker(world: World, object: WorldObject | null = null): readonly Pair[] {
  const victims = victimsOf(world, object)
  return world.tenants.flatMap((tenant, index) => {
    const after = victims.find((id) => world.tenants.findIndex((each) => each.id === id) > index)
    const victim = after ?? victims.find((id) => id !== tenant.id)
    return victim === undefined || victim === tenant.id ? [] : [{ attacker: tenant.id, victim }]
  })
}

/**
 * The list, begun at another place for each cell: where a cell tries only the first of them, the cells of an object
 * try all of them together.
 */
export function turnedFor<T>({ name, path }: Cell, list: readonly T[]): readonly T[] {
  const sum = [...`${name} ${path}`].reduce((total, letter) => total + letter.charCodeAt(0), 0)
  const start = list.length === 0 ? 0 : sum % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}

/** As `everyAttacker`, those first that have rows of the object: what is written is often made of them. */
export function everyOwner(world: World, object: WorldObject | null): readonly Pair[] {
  const all = everyAttacker(world, object)
  const owners = all.filter(({ attacker }) => object?.rowsOf(attacker) !== 0)
  return owners.length === 0 ? all : owners
}

/** All tenants when none has rows: the cases are then vacuous, and the verdict says so. */
function victimsOf(world: World, object: WorldObject | null): readonly TenantId[] {
  const ids = world.tenants.map((tenant) => tenant.id)
  const owners =
    object === null
      ? ids
      : ids.filter((id) => object.rowsOf(id) !== 0 && object.relationOf(world.tenant(id)) !== null)
  return owners.length === 0 ? ids : owners
}
