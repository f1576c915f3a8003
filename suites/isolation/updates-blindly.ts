// Blind UPDATEs read no column, so SELECT policies do not help: the UPDATE policy stands alone.

import {
  anyPair,
  cellsOf,
  controlOn,
  deferred,
  defineProbe,
  everyAttacker,
  identifier,
  literal,
  objectOf,
  ownedTables,
  targetOf,
  vacuousAttempt,
  writableColumn,
  wroteTooMuch,
  type Pair,
} from '../../src/index.ts'

export default defineProbe<Pair>({
  claim: "An UPDATE without WHERE changes the tenant's own rows only",
  source: 'https://www.postgresql.org/docs/current/sql-createpolicy.html',
  severity: 'critical',
  needs: ['writes'],
  remedy:
    'Give the UPDATE policy of {relation} USING and WITH CHECK clauses that compare tenant_id with the context',
  cells: (world) =>
    cellsOf(
      ownedTables(world).filter((object) =>
        world.tenants.some((tenant) => {
          const relation = object.relationOf(tenant)
          return relation !== null && writableColumn(relation) !== null
        }),
      ),
      'UPDATE blind',
      'UPDATE',
    ),
  inputs: (world, cell) => anyPair(world, cell.object),
  examples: (world, cell) => everyAttacker(world, cell.object),
  attempt: (world, cell, { attacker, victim }) => {
    const [own, foreign] = [world.tenant(attacker), world.tenant(victim)]
    const target = targetOf(objectOf(cell), foreign)
    if (target === null) return Promise.resolve(vacuousAttempt)
    const column = writableColumn(target.relation)
    if (column === null) return Promise.resolve(vacuousAttempt)
    const [name, text] = [identifier(column.name), literal(column.value)]
    // Where SELECT leaks too, the victim also sees the attacker's own rows: only its own are proof.
    const ofVictim =
      target.tenantColumn === null
        ? ''
        : ` AND ${identifier(target.tenantColumn)} = ${literal(victim)}`
    return world.attempt([
      ...world.enter(own),
      deferred,
      { sql: `UPDATE ${target.address} SET ${name} = ${text}`, role: 'attack' },
      ...world.enter(foreign),
      {
        sql: `SELECT count(*) AS n FROM ${target.address} WHERE ${name} = ${text}${ofVictim}`,
        role: 'proof',
      },
    ])
  },
  judge: (attempt, { attacker, victim }, { world, cell }) =>
    wroteTooMuch(attempt, {
      world,
      cell,
      attacker,
      victim,
      verb: 'updates',
      command: 'UPDATE blind',
    }),
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ relation, address }) => {
      const column = writableColumn(relation)
      return column === null
        ? null
        : `UPDATE ${address} SET ${identifier(column.name)} = ${literal(column.value)}`
    }),
})
