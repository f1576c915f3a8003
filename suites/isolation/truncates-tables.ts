// TRUNCATE is a table privilege: no policy is asked, and GRANT ALL contains it.

import {
  anyPair,
  cellsOf,
  defineProbe,
  everyAttacker,
  objectOf,
  ownedTables,
  stepOf,
  targetOf,
  vacuousAttempt,
  type Pair,
} from '../../src/index.ts'

export default defineProbe<Pair>({
  claim: 'A tenant cannot truncate a table that holds foreign rows',
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'critical',
  needs: ['writes'],
  remedy: 'REVOKE TRUNCATE ON {relation} FROM the application role',
  cells: (world) => cellsOf(ownedTables(world), 'TRUNCATE', 'TRUNCATE'),
  inputs: (world, { object }) => anyPair(world, object),
  attempt: (world, cell, { attacker, victim }) => {
    const target = targetOf(objectOf(cell), world.tenant(victim))
    return target === null
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([
          ...world.enter(world.tenant(attacker)),
          { sql: `TRUNCATE ${target.address} CASCADE`, role: 'attack' },
        ])
  },
  judge: (attempt, { attacker, victim }, { cell }) =>
    stepOf(attempt, 'attack')?.observation.kind !== 'rows'
      ? null
      : {
          sentence: `Tenant ${attacker} truncates ${cell.name}, the rows of ${victim} among them`,
          rows: [],
          victim,
          command: 'TRUNCATE',
        },
  control: () => null,
  examples: (world, { object }) => everyAttacker(world, object),
})
