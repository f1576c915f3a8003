/** Random inputs of the grammar: who attacks whom, under which condition, plan and wrapping. */

import fc from 'fast-check'
import type { TenantId } from '../../model/tenant.ts'
import { anyPair, everyAttacker, turnedFor, type Pair } from '../shared-inputs.ts'
import type { Cell } from '../../probe/define.ts'
import type { WorldObject } from '../../model/world.ts'
import type { World } from '../../world/world.ts'
import { nestings, type Nesting } from './nesting.ts'
import { planners, type Planner } from './planner.ts'
import { predicates, type Predicate } from './predicates.ts'

export interface GrammarInput extends Pair {
  readonly predicate: Predicate
  readonly planner: Planner
  readonly nesting: readonly Nesting[]
}

/** Shrinks to the first tenants, to a plain condition, the planner as it is, and no wrapper. */
export function anyReading(world: World, object: WorldObject | null): fc.Arbitrary<GrammarInput> {
  return fc
    .record({
      pair: anyPair(world, object),
      predicate: fc.constantFrom(...predicates),
      planner: fc.constantFrom(...planners),
      nesting: fc.array(fc.constantFrom(...nestings), { maxLength: 2 }) as fc.Arbitrary<
        readonly Nesting[]
      >,
    })
    .map(
      ({ pair, ...rest }) => ({ ...pair, ...rest }),
      (value) => {
        const { attacker, victim, ...rest } = value as GrammarInput
        return { pair: { attacker, victim }, ...rest }
      },
    )
}

const conditions: readonly Predicate[] = ['not mine', 'none', 'leaky']

/** A few pairs, each with a condition of those that show most; the random inputs vary the rest. */
export function firstReadings(world: World, cell: Cell): readonly GrammarInput[] {
  const [first = 'not mine', ...others] = turnedFor(cell, conditions)
  return turnedFor(cell, everyAttacker(world, cell.object))
    .slice(0, conditions.length)
    .map((pair, index): GrammarInput => ({
      ...pair,
      predicate: others[index - 1] ?? first,
      planner: 'as is',
      nesting: [],
    }))
}

/** The first tenants that own rows of the object: enough for the positive control of one form. */
export function firstOwners(
  world: World,
  object: WorldObject | null,
  max = 2,
): readonly TenantId[] {
  return world.tenants
    .filter(({ id }) => object === null || object.rowsOf(id) !== 0)
    .slice(0, max)
    .map(({ id }) => id)
}
