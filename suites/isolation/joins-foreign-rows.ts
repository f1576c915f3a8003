// Rows reached from other rows: joins along foreign keys, sub-selects, CTEs, set operations.

import {
  anyAttack,
  cellsOf,
  controlOn,
  defineProbe,
  everyAttacker,
  foreignRows,
  identifier,
  objectOf,
  ownedTables,
  targetOf,
  type Pair,
  type Target,
  type World,
  type WorldObject,
} from '../../src/index.ts'

const forms = ['join', 'left join', 'exists', 'scalar', 'cte', 'union', 'lateral'] as const
interface Input extends Pair {
  readonly form: (typeof forms)[number]
}

export default defineProbe<Input>({
  claim: 'No join, sub-select, CTE or set operation reaches a foreign row',
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'critical',
  needs: ['rows'],
  remedy: 'Give {relation} the same SELECT policy as the tables that refer to it',
  cells: (world) => cellsOf(joined(world), 'join', 'SELECT'),
  inputs: (world, cell) => anyAttack(world, cell.object, forms),
  examples: (world, cell) =>
    everyAttacker(world, cell.object).map((pair): Input => ({ ...pair, form: 'join' })),
  attempt: (world, cell, { attacker, victim, form }) => {
    const target = targetOf(objectOf(cell), world.tenant(victim))
    const sql = target === null ? 'SELECT 1 WHERE false' : query(form, target)
    return world.attempt([...world.enter(world.tenant(attacker)), { sql, role: 'attack' }])
  },
  judge: (attempt, { attacker }, { world, cell }) =>
    foreignRows(attempt, {
      world,
      attacker,
      object: cell.name,
      verb: 'reads',
      command: 'join',
      tenantColumn: objectOf(cell).relationOf(world.tenant(attacker))?.tenantColumn ?? null,
    }),
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, (target) => query('join', target)),
})

function joined(world: World): readonly WorldObject[] {
  return ownedTables(world).filter((object) =>
    world.tenants.some((tenant) => (object.relationOf(tenant)?.foreignKeys.length ?? 0) > 0),
  )
}

function query(form: Input['form'], { relation, address, columns }: Target): string {
  const key =
    relation.foreignKeys.find(
      (each) => each.columns.length > 0 && !each.name.endsWith('_tenant'),
    ) ?? relation.foreignKeys[0]
  if (key === undefined) return `SELECT ${columns} FROM ${address} LIMIT 100`
  const parent = key.referencedRelation.split('.').map(identifier).join('.')
  const on = key.columns
    .map(
      (column, index) =>
        `c.${identifier(column)} = p.${identifier(key.referencedColumns[index] ?? column)}`,
    )
    .join(' AND ')
  const own = columns
    .split(', ')
    .map((column) => `c.${column}`)
    .join(', ')
  switch (form) {
    case 'join':
      return `SELECT ${own} FROM ${address} c JOIN ${parent} p ON ${on} LIMIT 200`
    case 'left join':
      return `SELECT ${own} FROM ${parent} p LEFT JOIN ${address} c ON ${on} LIMIT 200`
    case 'exists':
      return `SELECT ${own} FROM ${address} c WHERE EXISTS (SELECT FROM ${parent} p WHERE ${on}) LIMIT 200`
    case 'scalar':
      return `SELECT (SELECT to_jsonb(c) FROM ${address} c WHERE ${on} LIMIT 1) AS child FROM ${parent} p LIMIT 200`
    case 'cte':
      return `WITH c AS MATERIALIZED (SELECT * FROM ${address}) SELECT ${own} FROM c LIMIT 200`
    case 'union':
      return `SELECT ${columns} FROM ${address} UNION ALL (SELECT ${columns} FROM ${address} ORDER BY 1 DESC) LIMIT 400`
    case 'lateral':
      return `SELECT l.* FROM ${parent} p, LATERAL (SELECT ${own} FROM ${address} c WHERE ${on} LIMIT 3) l LIMIT 200`
  }
}
