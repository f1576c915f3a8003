// A function that answers differently when another tenant's rows are gone has looked at them: numbers,
// booleans and sums carry no mark, but they give away as much.

import {
  answerOf,
  anyCalls,
  callsApart,
  callsChosen,
  defineProbe,
  firstCalls,
  functionCells,
  impersonated,
  ownCalls,
  rowsOfTenantRemoved,
  vacuousAttempt,
  type Attempt,
  type Calls,
} from '../../src/index.ts'

export default defineProbe<Calls>({
  claim: "No function's answer depends on rows of another tenant",
  source:
    'https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY',
  severity: 'medium',
  needs: ['rows'],
  remedy: 'Make {relation} SECURITY INVOKER, or filter every table it reads by the context',
  cells: (world) =>
    functionCells(world, 'function differs', ({ volatility }) => volatility !== 'immutable'),
  inputs: (world) => anyCalls(world),
  examples: (world, cell) => firstCalls(world, cell),
  attempt: async (world, cell, input) => {
    const calls = callsChosen({ world, cell }, input)
    if (calls.length === 0) return vacuousAttempt
    const who = { attacker: world.tenant(input.attacker), statements: callsApart(calls) }
    const removed = rowsOfTenantRemoved(world, world.tenant(input.victim))
    // Asked twice before: an answer that changes by itself, as a random number does, proves nothing.
    const asked = [
      await impersonated(world, { ...who, prepare: [] }),
      await impersonated(world, { ...who, prepare: [] }),
      await impersonated(world, { ...who, prepare: removed }),
    ]
    return { backendPid: asked[0]?.backendPid ?? null, steps: asked.flatMap(({ steps }) => steps) }
  },
  judge: (attempt, { attacker, victim }, { cell }) => {
    const different = differences(attempt)
    if (different === null) return null
    return {
      sentence: `Tenant ${attacker} gets another answer from ${cell.name} when the rows of ${victim} are gone`,
      rows: [different],
      victim,
      command: 'function differs',
    }
  },
  control: (world, cell, tenant) => ownCalls({ world, cell }, tenant),
})

/** The first call whose answers agree with each other while the rows are there, and not with the one without them. */
function differences(attempt: Attempt): { present: string; absent: string } | null {
  const answers = attempt.steps.filter(({ role }) => role === 'comparison').map(answerOf)
  const calls = answers.length / 3
  if (!Number.isInteger(calls)) return null
  for (let call = 0; call < calls; call += 1) {
    const [first, again, without] = [0, 1, 2].map((round) => answers[call + round * calls] ?? null)
    if (typeof first !== 'string' || first !== again) continue
    if (typeof without !== 'string' || first === without) continue
    return { present: first.slice(0, 200), absent: without.slice(0, 200) }
  }
  return null
}
