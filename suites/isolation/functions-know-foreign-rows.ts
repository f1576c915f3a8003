// A function that answers differently when another tenant's rows are gone has looked at them: numbers,
// booleans and sums carry no mark, but they give away as much.

import fc from 'fast-check'
import {
  anyPair,
  answerOf,
  callableFunctions,
  callFunction,
  defineProbe,
  everyAttacker,
  functionSignature,
  impersonated,
  rowsOfTenantRemoved,
  type Attempt,
  type Pair,
} from '../../src/index.ts'

/** Values that fit an argument: as many as are tried. */
const choicesMax = 24

interface Input extends Pair {
  readonly choice: number
}

export default defineProbe<Input>({
  claim: "No function's answer depends on rows of another tenant",
  source:
    'https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY',
  severity: 'medium',
  needs: ['rows'],
  remedy: 'Make {relation} SECURITY INVOKER, or filter every table it reads by the context',
  cells: (world) =>
    callableFunctions(world)
      .filter(({ volatility }) => volatility !== 'immutable')
      .map((entry) => ({ object: null, name: functionSignature(entry), path: 'function differs' })),
  inputs: (world) =>
    fc.record({ pair: anyPair(world), choice: fc.nat({ max: choicesMax - 1 }) }).map(
      ({ pair, choice }) => ({ ...pair, choice }),
      (value) => {
        const { attacker, victim, choice } = value as Input
        return { pair: { attacker, victim }, choice }
      },
    ),
  examples: (world) => {
    const pairs = everyAttacker(world).slice(0, 3)
    // Only a value that a row really has can be known: all of them in turn, by the first tenants in turn.
    return Array.from({ length: choicesMax }, (_, choice) => choice).flatMap((choice): Input[] => {
      const pair = pairs[choice % pairs.length]
      return pair === undefined ? [] : [{ ...pair, choice }]
    })
  },
  attempt: async (world, cell, { attacker, victim, choice }) => {
    const statements = [
      callFunction({ world, cell }, { text: victim, owner: victim, choice }, 'comparison'),
    ]
    const who = { attacker: world.tenant(attacker), statements }
    // Asked twice before: an answer that changes by itself, as a random number does, proves nothing.
    const asked = [
      await impersonated(world, { ...who, prepare: [] }),
      await impersonated(world, { ...who, prepare: [] }),
      await impersonated(world, {
        ...who,
        prepare: rowsOfTenantRemoved(world, world.tenant(victim)),
      }),
    ]
    return { backendPid: asked[0]?.backendPid ?? null, steps: asked.flatMap(({ steps }) => steps) }
  },
  judge: (attempt, { attacker, victim }, { cell }) => {
    const [first, again, without] = answersOf(attempt)
    if (
      first === undefined ||
      first === null ||
      first !== again ||
      without === null ||
      first === without
    )
      return null
    return {
      sentence: `Tenant ${attacker} gets another answer from ${cell.name} when the rows of ${victim} are gone`,
      rows: [{ present: first.slice(0, 200), absent: without?.slice(0, 200) ?? '' }],
      victim,
      command: 'function differs',
    }
  },
  control: (world, cell, tenant) =>
    world.attempt([
      ...world.enter(tenant),
      callFunction({ world, cell }, { text: tenant.id, owner: tenant.id }, 'comparison'),
      // Reached only when the call was answered: an error ends the transaction before it.
      { sql: 'SELECT 1 AS reached', role: 'control' },
    ]),
})

function answersOf(attempt: Attempt): readonly (string | null)[] {
  return attempt.steps.filter(({ role }) => role === 'comparison').map(answerOf)
}
