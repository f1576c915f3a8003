// A function that the application may call can stand in any clause. Marked leakproof, or cheap enough, it runs below
// a policy or a view's filter, and what it says of each row is a notice, an error or a line in a table.

import fc from 'fast-check'
import {
  actAttempt,
  anyPair,
  defineProbe,
  everyAttacker,
  foreignContent,
  functionClauses,
  functionSignature,
  functionsOfRows,
  readsAfterwards,
  vacuousAttempt,
  type Pair,
} from '../../src/index.ts'

interface Input extends Pair {
  readonly round: number
}

export default defineProbe<Input>({
  claim: 'No function is shown a foreign row, whichever clause of a statement it stands in',
  source: 'https://www.postgresql.org/docs/current/sql-createfunction.html',
  severity: 'critical',
  needs: ['rows'],
  remedy: 'ALTER FUNCTION {relation} NOT LEAKPROOF, and let it say nothing of its arguments',
  cells: (world) =>
    functionsOfRows(world).map((entry) => ({
      object: null,
      name: functionSignature(entry),
      path: 'in a clause',
    })),
  inputs: (world) =>
    fc.record({ pair: anyPair(world), round: fc.nat({ max: 7 }) }).map(
      ({ pair, round }) => ({ ...pair, round }),
      (value) => {
        const { attacker, victim, round } = value as Input
        return { pair: { attacker, victim }, round }
      },
    ),
  examples: (world) =>
    everyAttacker(world)
      .slice(0, 4)
      .map((pair, round): Input => ({ ...pair, round })),
  attempt: (world, cell, { attacker, round }) => {
    const statements = functionClauses({ world, cell }, world.tenant(attacker), round)
    return statements.length === 0
      ? Promise.resolve(vacuousAttempt)
      : actAttempt(world, world.tenant(attacker), { statements, goesOn: true })
  },
  judge: (attempt, { attacker }, { world, cell }) => {
    const object = cell.name
    const command = 'in a clause'
    return (
      foreignContent(attempt, {
        world,
        attacker,
        object,
        verb: 'reads',
        command,
        tenantColumn: null,
      }) ?? readsAfterwards(attempt, { world, attacker, object, command })
    )
  },
  control: (world, _, tenant) =>
    world.attempt([...world.enter(tenant), { sql: 'SELECT 1 AS reached', role: 'control' }]),
})
