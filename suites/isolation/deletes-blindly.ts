// Blind DELETEs read no column, so SELECT policies do not help: the DELETE policy stands alone.

import {
  anyPair,
  cellsOf,
  controlOn,
  deferred,
  defineProbe,
  everyAttacker,
  objectOf,
  ownedTables,
  targetOf,
  vacuousAttempt,
  wroteTooMuch,
  type Pair,
} from '../../src/index.ts'

export default defineProbe<Pair>({
  claim: "A DELETE without WHERE removes the tenant's own rows only",
  source: 'https://www.postgresql.org/docs/current/sql-createpolicy.html',
  severity: 'critical',
  needs: ['writes'],
  remedy:
    'Give the DELETE policy of {relation} a USING clause that compares tenant_id with the context',
  cells: (world) => cellsOf(ownedTables(world), 'DELETE blind', 'DELETE'),
  inputs: (world, cell) => anyPair(world, cell.object),
  examples: (world, cell) => everyAttacker(world, cell.object),
  attempt: (world, cell, { attacker, victim }) => {
    const target = targetOf(objectOf(cell), world.tenant(victim))
    return target === null
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([
          ...world.enter(world.tenant(attacker)),
          deferred,
          { sql: `DELETE FROM ${target.address}`, role: 'attack' },
        ])
  },
  judge: (attempt, { attacker, victim }, { world, cell }) =>
    wroteTooMuch(attempt, {
      world,
      cell,
      attacker,
      victim,
      verb: 'deletes',
      command: 'DELETE blind',
    }),
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ address }) => `DELETE FROM ${address}`),
})
