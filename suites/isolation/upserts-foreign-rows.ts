// ON CONFLICT meets rows that the tenant cannot see: it must neither change them nor tell of them.

import {
  affectedBy,
  anyAttack,
  answersDiffer,
  keyCondition,
  rowsOf,
  stepOf,
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
  targetOf,
  vacuousAttempt,
  writableColumn,
  type Attempt,
  type Cell,
  type Pair,
  type Statement,
  type World,
} from '../../src/index.ts'

const forms = ['take over', 'hidden predicate'] as const
interface Input extends Pair {
  readonly form: (typeof forms)[number]
}

export default defineProbe<Input>({
  claim: 'An upsert neither changes a foreign row nor reveals what it contains',
  source: 'https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT',
  severity: 'high',
  needs: ['writes'],
  remedy:
    'Put tenant_id into the primary key and every unique index of {relation}: a conflict with a foreign row ' +
    'must be impossible',
  cells: (world) =>
    cellsOf(
      ownedTables(world).filter(
        (object) =>
          object.kind !== 'partition' &&
          world.tenants.some((tenant) => (object.relationOf(tenant)?.primaryKey.length ?? 0) > 0),
      ),
      'upsert',
      'INSERT',
    ),
  inputs: (world, cell) => anyAttack(world, cell.object, forms),
  examples: (world, cell) =>
    everyAttacker(world, cell.object).flatMap((pair) =>
      forms.map((form): Input => ({ ...pair, form })),
    ),
  attempt: (world, cell, { attacker, victim, form }) => {
    const statements =
      form === 'take over'
        ? takeOver(world, cell, victim)
        : hiddenPredicate(world, cell, { attacker, victim })
    return statements.length === 0
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([...world.enter(world.tenant(attacker)), deferred, ...statements])
  },
  judge: (attempt, { attacker, victim, form }, { cell }) => {
    const witness = { rows: [], victim, command: 'upsert' }
    const where = `${victim} in ${cell.name}`
    if (form === 'take over') {
      const sentence = `Tenant ${attacker} changes a row of ${where} by ON CONFLICT DO UPDATE`
      return changed(attempt) ? { ...witness, sentence, severity: 'critical' } : null
    }
    const sentence = `Tenant ${attacker} learns by ON CONFLICT DO UPDATE what a hidden row of ${where} contains`
    return answersDiffer(attempt) ? { ...witness, sentence } : null
  },
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ relation }, sample) =>
      Object.keys(sample).length === 0
        ? null
        : insertLike(relation, sample, { suffix: 'ON CONFLICT DO NOTHING' }),
    ),
})

function takeOver(world: World, cell: Cell, victim: string): readonly Statement[] {
  const object = objectOf(cell)
  const target = targetOf(object, world.tenant(victim))
  const sample = object.samplesOf(victim)[0]
  const column = target === null ? null : writableColumn(target.relation)
  if (target === null || sample === undefined) return []
  const key = target.relation.primaryKey.map(identifier).join(', ')
  const action =
    column === null
      ? 'DO NOTHING'
      : `(${key}) DO UPDATE SET ${identifier(column.name)} = ${literal(column.value)}`
  const attack: Statement = {
    sql: insertLike(target.relation, sample, { keepKeys: true, suffix: `ON CONFLICT ${action}` }),
    role: 'attack',
  }
  if (column === null) return [attack]
  // A trigger may have turned the row into the attacker's own: the victim says whether its row changed.
  return [
    attack,
    ...world.enter(world.tenant(victim)),
    {
      sql:
        `SELECT 1 AS changed FROM ${target.address} WHERE ${keyCondition(target.relation, sample)} AND ` +
        `${identifier(column.name)} = ${literal(column.value)}`,
      role: 'proof',
    },
  ]
}

/** The same insert twice: once the predicate is true of the victim's row, once it is false. */
function hiddenPredicate(
  world: World,
  cell: Cell,
  { attacker, victim }: Pair,
): readonly Statement[] {
  const object = objectOf(cell)
  const target = targetOf(object, world.tenant(attacker))
  const [own, foreign] = [object.samplesOf(attacker)[0], object.samplesOf(victim)[0]]
  const column = target === null ? null : writableColumn(target.relation)
  if (target === null || own === undefined || foreign === undefined || column === null) return []
  if (!target.relation.primaryKey.includes('id')) return []
  const secret = literal(String(foreign[column.name] ?? ''))
  const key = target.relation.primaryKey.map(identifier).join(', ')
  const name = identifier(column.name)
  const ask = (condition: string): Statement => ({
    sql: insertLike(target.relation, own, {
      set: { id: foreign['id'] ?? attackId },
      suffix: `ON CONFLICT (${key}) DO UPDATE SET ${name} = ${literal(column.value)} WHERE ${condition}`,
    }),
    role: 'comparison',
  })
  const old = `${identifier(target.relation.name)}.${name}`
  return [
    { sql: 'SAVEPOINT before', role: 'context' },
    ask(`${old} IS NOT DISTINCT FROM ${secret}`),
    { sql: 'ROLLBACK TO SAVEPOINT before', role: 'context' },
    ask(`${old} IS DISTINCT FROM ${secret}`),
  ]
}

function changed(attempt: Attempt): boolean {
  return affectedBy(stepOf(attempt, 'attack')) > 0 && rowsOf(stepOf(attempt, 'proof')).length > 0
}
