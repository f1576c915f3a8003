// Planting rows in another tenant: the victim itself is asked whether it now has one more.

import {
  affectedBy,
  anyAttack,
  attackId,
  cellsOf,
  controlOn,
  deferred,
  defineProbe,
  everyAttacker,
  identifier,
  insertLike,
  literal,
  objectOf,
  ownedTables,
  rowsOf,
  targetOf,
  vacuousAttempt,
  type Pair,
  type Statement,
} from '../../src/index.ts'

const forms = ['values', 'multi-row', 'select', 'returning'] as const
interface Input extends Pair {
  readonly form: (typeof forms)[number]
}

export default defineProbe<Input>({
  claim: 'A tenant cannot insert a row that another tenant owns',
  source: 'https://www.postgresql.org/docs/current/sql-createpolicy.html',
  severity: 'critical',
  needs: ['writes'],
  remedy:
    'Give the INSERT policy of {relation} a WITH CHECK that compares tenant_id with the context',
  cells: (world) => cellsOf(ownedTables(world), 'INSERT', 'INSERT'),
  inputs: (world, cell) => anyAttack(world, cell.object, forms),
  examples: (world, cell) =>
    everyAttacker(world, cell.object).map((pair): Input => ({ ...pair, form: 'values' })),
  attempt: (world, cell, { attacker, victim, form }) => {
    const object = objectOf(cell)
    const [own, foreign] = [world.tenant(attacker), world.tenant(victim)]
    const target = targetOf(object, foreign)
    const sample = object.samplesOf(victim)[0]
    if (target === null || sample === undefined) return Promise.resolve(vacuousAttempt)
    const insert = insertLike(target.relation, sample)
    const sql = {
      values: insert,
      returning: `${insert} RETURNING *`,
      'multi-row': insert.replace(/ VALUES (\(.*\))$/s, ' VALUES $1'),
      select: insert.replace(/ VALUES \((.*)\)$/s, ' SELECT $1'),
    }[form]
    const column = target.tenantColumn
    const found = (owner: string): Statement => ({
      sql:
        `SELECT 1 AS found FROM ${target.address} WHERE id = '${attackId}'` +
        (column === null ? '' : ` AND ${identifier(column)} = ${literal(owner)}`),
      role: 'proof',
    })
    const proofs = target.relation.primaryKey.includes('id')
      ? [found(attacker), ...world.enter(foreign), found(victim)]
      : []
    return world.attempt([...world.enter(own), deferred, { sql, role: 'attack' }, ...proofs])
  },
  judge: (attempt, { attacker, victim }, { world, cell }) => {
    const inserted = affectedBy(attempt.steps.find((step) => step.role === 'attack') ?? null)
    if (inserted === 0) return null
    const proofs = attempt.steps.filter((step) => step.role === 'proof')
    const [mine, theirs] = proofs.map((step) => rowsOf(step).length > 0)
    // A trigger may have put the row where it belongs: then the attacker has it and the victim not.
    if (world.separatedBy === 'rows' && mine === true && theirs === false) return null
    return {
      sentence:
        `Tenant ${attacker} inserts a row into ${cell.name} that ` +
        `${theirs === true ? victim : 'another tenant'} owns`,
      rows: [],
      victim,
      command: 'INSERT',
    }
  },
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ relation }, sample) =>
      Object.keys(sample).length === 0 ? null : insertLike(relation, sample),
    ),
})
