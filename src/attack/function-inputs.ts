/** Inputs of the probes of functions: who calls, whose values are passed, and which calls share a transaction. */

import fc from 'fast-check'
import type { Cell, Scene } from '../probe/define.ts'
import type { World } from '../world/world.ts'
import { callsOf, functionOf } from './function-copies.ts'
import { anyPair, everyAttacker, type Pair } from './shared-inputs.ts'

export interface Calls extends Pair {
  /** Numbers of calls as `callsOf` gives them; those beyond its end wrap around. */
  readonly calls: readonly number[]
}

/** Calls that share a transaction. */
const callsMax = 40
/** What random inputs choose among: no function is worth more. */
const numbersMax = 400
/** Transactions that the fixed inputs fill with the calls of one pair. */
const chunksMax = 4

/** Shrinks to the first tenants and to the one call that matters. */
export function anyCalls(world: World): fc.Arbitrary<Calls> {
  const calls = fc.array(fc.nat({ max: numbersMax - 1 }), {
    minLength: 1,
    maxLength: callsMax,
    size: 'small',
  })
  return fc.record({ pair: anyPair(world), calls }).map(
    ({ pair, ...rest }) => ({ ...pair, calls: rest.calls }),
    (value) => {
      const { attacker, victim, calls: chosen } = value as Calls
      return { pair: { attacker, victim }, calls: [...chosen] }
    },
  )
}

/** The calls of the first pair in the order of their worth, and the first ones of two others. */
export function firstCalls(world: World, cell: Cell): readonly Calls[] {
  const pairs = pairsFor({ world, cell })
  const [first, ...more] = pairs
  if (first === undefined) return []
  const count = callsOf({ world, cell }, first).length
  const chunks = Array.from({ length: Math.ceil(Math.min(count, callsMax * chunksMax) / callsMax) })
  const chunk = (index: number) =>
    Array.from(
      { length: Math.min(callsMax, count - index * callsMax) },
      (_, at) => at + index * callsMax,
    )
  return [
    ...chunks.map((_, index): Calls => ({ ...first, calls: chunk(index) })),
    ...more.slice(0, 2).map((pair): Calls => ({ ...pair, calls: chunk(0) })),
  ]
}

/** Where only some tenants have the function, they attack first. */
function pairsFor({ world, cell }: Scene): readonly Pair[] {
  const copies = functionOf({ world, cell })?.copies
  const pairs = everyAttacker(world)
  if (copies === undefined || copies.size === 0) return pairs
  return pairs.toSorted((a, b) => Number(copies.has(b.attacker)) - Number(copies.has(a.attacker)))
}

/** The calls that an input chooses, each once. */
export function callsChosen(scene: Scene, { calls, ...pair }: Calls): readonly string[] {
  const all = callsOf(scene, pair)
  if (all.length === 0) return []
  return [...new Set(calls.flatMap((number) => all[number % all.length] ?? []))]
}
