// Keyed DELETEs of rows that the tenant names but does not own.

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
  wroteForeignRows,
  type Pair,
  type Row,
  type Target,
} from '../../src/index.ts'

const forms = ['by key', 'by tenant', 'returning', 'using'] as const
interface Input extends Pair {
  readonly form: (typeof forms)[number]
}

export default defineProbe<Input>({
  claim: 'A tenant cannot delete a row of another tenant that it names',
  source: 'https://www.postgresql.org/docs/current/sql-createpolicy.html',
  severity: 'critical',
  needs: ['writes'],
  remedy:
    'Give the DELETE policy of {relation} a USING clause that compares tenant_id with the context',
  cells: (world) => cellsOf(ownedTables(world), 'DELETE', 'DELETE'),
  inputs: (world, cell) => anyAttack(world, cell.object, forms),
  examples: (world, cell) =>
    everyAttacker(world, cell.object).map((pair): Input => ({ ...pair, form: 'by key' })),
  attempt: (world, cell, { attacker, victim, form }) => {
    const object = objectOf(cell)
    const target = targetOf(object, world.tenant(victim))
    const sample = object.samplesOf(victim)[0]
    return target === null || sample === undefined
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([
          ...world.enter(world.tenant(attacker)),
          deferred,
          { sql: remove(form, target, sample), role: 'attack' },
        ])
  },
  judge: (attempt, { attacker, victim }, { cell }) =>
    wroteForeignRows(attempt, {
      attacker,
      victim,
      object: cell.name,
      verb: 'deletes',
      command: 'DELETE',
    }),
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, (target, sample) =>
      Object.keys(sample).length === 0 ? null : remove('by key', target, sample),
    ),
})

function remove(form: Input['form'], target: Target, sample: Row): string {
  const head = `DELETE FROM ${target.address}`
  const key = keyCondition(target.relation, sample)
  switch (form) {
    case 'by key':
      return `${head} WHERE ${key}`
    case 'returning':
      return `${head} WHERE ${key} RETURNING *`
    case 'using':
      return `${head} USING (SELECT 1) one WHERE ${key}`
    case 'by tenant':
      return target.tenantColumn === null
        ? `${head} WHERE ${key}`
        : `${head} WHERE ${identifier(target.tenantColumn)} = ${literal(String(sample[target.tenantColumn] ?? ''))}`
  }
}
