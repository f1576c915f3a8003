// A differential experiment: a foreign key value and a random one must get the same answer.

import {
  anyAttack,
  cellsOf,
  answersDiffer,
  controlOn,
  defineProbe,
  everyAttacker,
  insertLike,
  nobodysValue,
  objectOf,
  ownedTables,
  targetOf,
  vacuousAttempt,
  type Cell,
  type ForeignKey,
  type Pair,
  type Relation,
  type Row,
  type Statement,
  type World,
} from '../../src/index.ts'

const forms = ['unique key', 'foreign key'] as const
interface Input extends Pair {
  readonly form: (typeof forms)[number]
}

export default defineProbe<Input>({
  claim: "No unique or foreign key tells whether another tenant's row exists",
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'medium',
  needs: ['writes'],
  remedy: 'Put tenant_id into every unique key and every foreign key of {relation}',
  cells: (world) =>
    cellsOf(
      ownedTables(world).filter(
        (object) =>
          object.kind !== 'partition' &&
          world.tenants.some((tenant) => hasKeys(object.relationOf(tenant))),
      ),
      'key oracle',
      'INSERT',
    ),
  inputs: (world, { object }) => anyAttack(world, object, forms),
  examples: (world, { object }) =>
    everyAttacker(world, object)
      .slice(0, 4)
      .flatMap((pair): Input[] => forms.map((form) => ({ ...pair, form }))),
  attempt: (world, cell, input) => {
    const statements = experiment(world, cell, input)
    return statements.length === 0
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([...world.enter(world.tenant(input.attacker)), ...statements])
  },
  judge: (attempt, { attacker, victim, form }, { cell }) => {
    if (!answersDiffer(attempt)) return null
    return {
      sentence: `Tenant ${attacker} learns from a ${form} of ${cell.name} that a row of ${victim} exists`,
      rows: [],
      victim,
      command: 'key oracle',
    }
  },
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ relation }, sample) =>
      Object.keys(sample).length === 0 ? null : insertLike(relation, sample),
    ),
})

/** The same insert with a value of the victim and with one that nobody has, for each key in turn. */
function experiment(
  world: World,
  cell: Cell,
  { attacker, victim, form }: Input,
): readonly Statement[] {
  const object = objectOf(cell)
  const target = targetOf(object, world.tenant(attacker))
  const [own, foreign] = [object.samplesOf(attacker)[0], object.samplesOf(victim)[0]]
  if (target === null || own === undefined || foreign === undefined) return []
  const { relation } = target
  const variants =
    form === 'unique key'
      ? uniqueColumns(relation).flatMap((name) => pair(relation, name, foreign[name]))
      : references(relation).flatMap((key) =>
          foreignKeyPair(world, key, { relation, victim, attacker }),
        )
  return variants.flatMap((set): Statement[] => [
    { sql: 'SAVEPOINT before', role: 'context' },
    { sql: insertLike(relation, own, { set }), role: 'comparison' },
    { sql: 'ROLLBACK TO SAVEPOINT before', role: 'context' },
  ])
}

/** Nothing where no value of the column's type can be nobody's. */
function pair(relation: Relation, name: string, theirs: Row[string] | undefined): readonly Row[] {
  if (theirs === undefined || theirs === null) return []
  const column = relation.columns.find((each) => each.name === name)
  const nobodys = nobodysValue(String(theirs), column?.type ?? '')
  return nobodys === null ? [] : [{ [name]: theirs }, { [name]: nobodys }]
}

/** Columns of unique keys that the tenant can choose: not the tenant itself, not a reference. */
function uniqueColumns(relation: Relation): readonly string[] {
  const bound = new Set([
    relation.tenantColumn ?? '',
    ...relation.foreignKeys.flatMap((key) => key.columns),
  ])
  return [...new Set([relation.primaryKey, ...relation.uniqueKeys].flat())].filter(
    (name) => !bound.has(name),
  )
}

function hasKeys(relation: Relation | null): boolean {
  return relation !== null && uniqueColumns(relation).length + references(relation).length > 0
}

function references(relation: Relation): readonly ForeignKey[] {
  return relation.foreignKeys.filter((key) =>
    key.columns.some((name) => name !== relation.tenantColumn),
  )
}

interface Sides {
  readonly relation: Relation
  readonly victim: string
  readonly attacker: string
}

function foreignKeyPair(
  world: World,
  key: ForeignKey,
  { relation, victim, attacker }: Sides,
): readonly Row[] {
  const parent = world.objects.find((object) => {
    const its = object.relationOf(world.tenant(attacker))
    return its !== null && `${its.schema}.${its.name}` === key.referencedRelation
  })
  const row = parent?.samplesOf(victim)[0]
  const index = key.columns.findIndex((name) => name !== relation.tenantColumn)
  const [column, referenced] = [key.columns[index], key.referencedColumns[index]]
  if (row === undefined || column === undefined || referenced === undefined) return []
  return pair(relation, column, row[referenced])
}
