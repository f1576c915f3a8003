// Functions and procedures write too: whatever they are asked to do, no row of another tenant may change.

import {
  actAttempt,
  anyCalls,
  callsChosen,
  changedForeignRows,
  deferred,
  defineProbe,
  firstCalls,
  functionCells,
  ownCalls,
  readsAfterwards,
  vacuousAttempt,
  type Calls,
  type Statement,
} from '../../src/index.ts'

export default defineProbe<Calls>({
  claim:
    'No function or procedure changes a row of another tenant, or leaves one in sight, whatever it is asked to do',
  source:
    'https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY',
  severity: 'critical',
  needs: ['writes'],
  remedy:
    'Make {relation} SECURITY INVOKER, or let it take the tenant from the context instead of its arguments',
  cells: (world) => functionCells(world, 'call writes'),
  inputs: (world) => anyCalls(world),
  examples: (world, cell) => firstCalls(world, cell),
  attempt: (world, cell, input) => {
    const calls = callsChosen({ world, cell }, input)
    if (calls.length === 0) return Promise.resolve(vacuousAttempt)
    const asked = calls.map((sql): Statement => ({ sql, role: 'comparison' }))
    return actAttempt(world, world.tenant(input.attacker), {
      statements: [deferred, ...asked],
      goesOn: true,
      looksEverywhere: true,
    })
  },
  judge: (attempt, { attacker }, { world, cell }) => {
    const accusation = { world, attacker, object: cell.name, command: 'call writes' }
    return changedForeignRows(attempt, accusation) ?? readsAfterwards(attempt, accusation)
  },
  control: (world, cell, tenant) => ownCalls({ world, cell }, tenant),
})
