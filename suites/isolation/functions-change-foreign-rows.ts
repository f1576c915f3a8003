// Functions and procedures write too: whatever they are asked to do, no row of another tenant may change.

import fc from 'fast-check'
import {
  actAttempt,
  anyPair,
  callableFunctions,
  callFunction,
  changedForeignRows,
  deferred,
  defineProbe,
  everyAttacker,
  functionSignature,
  readsAfterwards,
  type Pair,
} from '../../src/index.ts'

interface Input extends Pair {
  readonly choice: number
}

export default defineProbe<Input>({
  claim:
    'No function or procedure changes a row of another tenant, or leaves one in sight, whatever it is asked to do',
  source:
    'https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY',
  severity: 'critical',
  needs: ['writes'],
  remedy:
    'Make {relation} SECURITY INVOKER, or let it take the tenant from the context instead of its arguments',
  cells: (world) =>
    callableFunctions(world).map((entry) => ({
      object: null,
      name: functionSignature(entry),
      path: 'call writes',
    })),
  inputs: (world) =>
    fc.record({ pair: anyPair(world), choice: fc.nat({ max: 7 }) }).map(
      ({ pair, choice }) => ({ ...pair, choice }),
      (value) => {
        const { attacker, victim, choice } = value as Input
        return { pair: { attacker, victim }, choice }
      },
    ),
  examples: (world) =>
    everyAttacker(world)
      .slice(0, 4)
      .map((pair, choice): Input => ({ ...pair, choice })),
  attempt: (world, cell, { attacker, victim, choice }) =>
    actAttempt(world, world.tenant(attacker), {
      statements: [
        deferred,
        callFunction({ world, cell }, { text: victim, owner: victim, choice }, 'comparison'),
      ],
      looksEverywhere: true,
    }),
  judge: (attempt, { attacker }, { world, cell }) => {
    const accusation = { world, attacker, object: cell.name, command: 'call writes' }
    return changedForeignRows(attempt, accusation) ?? readsAfterwards(attempt, accusation)
  },
  control: (world, cell, tenant) =>
    world.attempt([
      ...world.enter(tenant),
      callFunction({ world, cell }, { text: tenant.id, owner: tenant.id }, 'comparison'),
      // Reached only when the call was answered: an error ends the transaction before it.
      { sql: 'SELECT 1 AS reached', role: 'control' },
    ]),
})
