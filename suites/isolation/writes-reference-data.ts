// Reference data belongs to nobody: a tenant that changes it changes what every tenant reads.

import fc from 'fast-check'
import {
  affectedBy,
  anyTenantId,
  cellsOf,
  count,
  defineProbe,
  identifier,
  literal,
  objectOf,
  objectsOfKind,
  stepOf,
  targetOf,
  vacuousAttempt,
  writableColumn,
  type Relation,
  type Target,
} from '../../src/index.ts'

const forms = ['update', 'delete', 'truncate', 'insert'] as const
interface Input {
  readonly attacker: string
  readonly form: (typeof forms)[number]
}

export default defineProbe<Input>({
  claim: 'A tenant cannot change reference data that all tenants read',
  source: 'https://www.postgresql.org/docs/current/ddl-priv.html',
  severity: 'high',
  needs: ['writes'],
  remedy: 'REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {relation} FROM the application role',
  cells: (world) =>
    cellsOf(
      objectsOfKind(world, ['table', 'partitioned table']).filter((object) => object.shared),
      'reference',
      'SELECT',
    ),
  inputs: (world) => fc.record({ attacker: anyTenantId(world), form: fc.constantFrom(...forms) }),
  examples: (world) => forms.map((form): Input => ({ attacker: world.tenants[0]?.id ?? '', form })),
  attempt: (world, cell, { attacker, form }) => {
    const tenant = world.tenant(attacker)
    const target = targetOf(objectOf(cell), tenant)
    return target === null
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([...world.enter(tenant), { sql: write(form, target), role: 'attack' }])
  },
  judge: (attempt, { attacker, form }, { cell }) => {
    const step = stepOf(attempt, 'attack')
    const affected =
      form === 'truncate' || form === 'insert'
        ? Number(step?.observation.kind === 'rows')
        : affectedBy(step)
    return affected === 0
      ? null
      : {
          sentence: `Tenant ${attacker} changes reference data: ${form} of ${count(affected, 'row')} in ${cell.name}`,
          rows: [],
          victim: null,
          command: 'reference',
        }
  },
  control: (world, cell, tenant) => {
    const target = targetOf(objectOf(cell), tenant)
    return target === null
      ? null
      : world.attempt([
          ...world.enter(tenant),
          { sql: reading(target.address, objectOf(cell).rowsTotal === 0), role: 'control' },
        ])
  },
})

function write(form: Input['form'], { relation, address }: Target): string {
  switch (form) {
    case 'update':
      return `UPDATE ${address} SET ${assignment(relation)}`
    case 'delete':
      return `DELETE FROM ${address}`
    case 'insert':
      // A conflict with the row itself hides that it was allowed: only a refusal is good news.
      return copyOfOwnRow(relation, address)
    case 'truncate':
      return `TRUNCATE ${address} CASCADE`
  }
}

/** What the server counts or computes takes no value (428C9), whatever the caller may do. */
function assignment(relation: Relation): string {
  const column = writableColumn(relation)
  if (column !== null) return `${identifier(column.name)} = ${literal(column.value)}`
  const free = relation.columns.find(({ generated }) => !generated)
  const name = identifier((free ?? relation.columns[0])?.name ?? 'id')
  return `${name} = ${free === undefined ? 'DEFAULT' : name}`
}

/** An empty table answers with its number. */
function reading(address: string, isEmpty: boolean): string {
  return isEmpty
    ? `SELECT count(*) AS n FROM ${address}`
    : `SELECT 1 AS own FROM ${address} LIMIT 1`
}

/** Columns that the server fills are left to it. */
function copyOfOwnRow(relation: Relation, address: string): string {
  const names = relation.columns.filter(({ generated }) => !generated).map(({ name }) => name)
  if (names.length === 0) return `INSERT INTO ${address} DEFAULT VALUES`
  const list = names.map(identifier).join(', ')
  return `INSERT INTO ${address} (${list}) SELECT ${list} FROM ${address} LIMIT 1 ON CONFLICT DO NOTHING`
}
