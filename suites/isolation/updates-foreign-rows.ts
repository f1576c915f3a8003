// Keyed UPDATEs: the WHERE clause reads columns, so SELECT policies take part.

import {
  anyAttack,
  cellsOf,
  controlOn,
  deferred,
  defineProbe,
  everyAttacker,
  identifier,
  keyCondition,
  literal,
  objectOf,
  ownedTables,
  targetOf,
  vacuousAttempt,
  writableColumn,
  wroteForeignRows,
  type Pair,
  type Row,
  type Target,
} from '../../src/index.ts'

const forms = ['by key', 'by tenant', 'returning', 'from'] as const
interface Input extends Pair {
  readonly form: (typeof forms)[number]
}

export default defineProbe<Input>({
  claim: 'A tenant cannot update a row of another tenant that it names',
  source: 'https://www.postgresql.org/docs/current/sql-createpolicy.html',
  severity: 'critical',
  needs: ['writes'],
  remedy:
    'Give the UPDATE policy of {relation} a USING clause that compares tenant_id with the context',
  cells: (world) => cellsOf(ownedTables(world), 'UPDATE', 'UPDATE'),
  inputs: (world, cell) => anyAttack(world, cell.object, forms),
  examples: (world, cell) =>
    everyAttacker(world, cell.object).map((pair): Input => ({ ...pair, form: 'by key' })),
  attempt: (world, cell, { attacker, victim, form }) => {
    const object = objectOf(cell)
    const target = targetOf(object, world.tenant(victim))
    const sample = object.samplesOf(victim)[0]
    const sql = target === null || sample === undefined ? null : update(form, target, sample)
    return sql === null
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([...world.enter(world.tenant(attacker)), deferred, { sql, role: 'attack' }])
  },
  judge: (attempt, { attacker, victim }, { cell }) =>
    wroteForeignRows(attempt, {
      attacker,
      victim,
      object: cell.name,
      verb: 'updates',
      command: 'UPDATE',
    }),
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, (target, sample) =>
      Object.keys(sample).length === 0 ? null : update('by key', target, sample),
    ),
})

function update(form: Input['form'], target: Target, sample: Row): string {
  const column = writableColumn(target.relation)
  const first = identifier(target.relation.columns[0]?.name ?? 'id')
  const set =
    column === null
      ? `${first} = ${first}`
      : `${identifier(column.name)} = ${literal(column.value)}`
  const key = keyCondition(target.relation, sample)
  const head = `UPDATE ${target.address} SET ${set}`
  switch (form) {
    case 'by key':
      return `${head} WHERE ${key}`
    case 'returning':
      return `${head} WHERE ${key} RETURNING *`
    case 'from':
      return `${head} FROM (SELECT 1) one WHERE ${key}`
    case 'by tenant':
      return target.tenantColumn === null
        ? `${head} WHERE ${key}`
        : `${head} WHERE ${identifier(target.tenantColumn)} = ${literal(String(sample[target.tenantColumn] ?? ''))}`
  }
}
