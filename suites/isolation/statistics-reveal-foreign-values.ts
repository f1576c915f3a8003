// Statistics are drawn from every tenant's rows: the views over them must keep foreign values back, and what
// the planner says of its estimates is an assumption of every shared table.

import {
  anyPair,
  cellsOf,
  controlOn,
  defineProbe,
  everyAttacker,
  turnedFor,
  explainedRows,
  foreignContent,
  identifier,
  inherent,
  literal,
  objectOf,
  objectsOfKind,
  targetOf,
  vacuousAttempt,
  type Pair,
  type Target,
  type Witness,
} from '../../src/index.ts'

const views = {
  pg_stats: (
    target: Target,
  ) => `SELECT s.tablename, s.attname, s.most_common_vals::text, s.histogram_bounds::text
    FROM pg_catalog.pg_stats s WHERE ${named(target)}`,
  pg_stats_ext: (target: Target) => `SELECT s.statistics_name, s.most_common_vals::text
    FROM pg_catalog.pg_stats_ext s WHERE ${named(target)}`,
  pg_stats_ext_exprs: (target: Target) =>
    `SELECT s.statistics_name, s.most_common_vals::text, s.histogram_bounds::text
    FROM pg_catalog.pg_stats_ext_exprs s WHERE ${named(target)}`,
  pg_statistic: (
    target: Target,
  ) => `SELECT stavalues1::text, stavalues2::text FROM pg_catalog.pg_statistic
    WHERE starelid = ${literal(target.address)}::regclass`,
  EXPLAIN: (target: Target) => `EXPLAIN (FORMAT JSON) SELECT * FROM ${target.address} t`,
  'EXPLAIN ANALYZE': (target: Target) =>
    `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT ${target.columns} FROM ${target.address} t`,
  'row count': ({ relation }: Target) => `SELECT reltuples::text AS n FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace WHERE ${same('n.nspname', relation.schema)}
    AND ${same('c.relname', relation.name)}`,
} as const
type View = keyof typeof views
const paths = Object.keys(views) as View[]

export default defineProbe<Pair>({
  claim: 'No statistics view shows a value of another tenant, and no estimate more than a number',
  source: 'https://www.postgresql.org/docs/current/view-pg-stats.html',
  severity: 'medium',
  judgedWorldsOnly: true,
  needs: ['rows'],
  remedy:
    'Enable row level security on {relation}, so that its statistics are hidden; drop extended statistics ' +
    'of tables without it',
  cells: (world) =>
    paths.flatMap((path) =>
      cellsOf(
        objectsOfKind(world, [
          'table',
          'partitioned table',
          'materialized view',
          'partition',
        ]).filter(({ shared }) => !shared),
        path,
        'SELECT',
      ),
    ),
  inputs: (world, { object }) => anyPair(world, object),
  examples: (world, cell) => turnedFor(cell, everyAttacker(world, cell.object)).slice(0, 2),
  attempt: (world, cell, { attacker, victim }) => {
    const target = targetOf(objectOf(cell), world.tenant(victim))
    if (target === null) return Promise.resolve(vacuousAttempt)
    const sql = views[cell.path as View](target)
    const planner =
      cell.path === 'EXPLAIN ANALYZE'
        ? ['SET LOCAL enable_indexscan = off', 'SET LOCAL enable_bitmapscan = off']
        : []
    return world.attempt([
      ...world.enter(world.tenant(attacker)),
      ...planner.map((text) => ({ sql: text, role: 'context' as const })),
      { sql, role: 'attack' },
    ])
  },
  judge: (attempt, { attacker, victim }, { world, cell }) => {
    const object = objectOf(cell)
    const own = object.rowsOf(attacker) ?? Infinity
    const suspicion = {
      world,
      attacker,
      object: cell.name,
      verb: 'reads',
      command: cell.path,
      tenantColumn: null,
    }
    if (cell.path.startsWith('pg_')) return valued(foreignContent(attempt, suspicion))
    const rows = explainedRows(attempt)
    return rows <= own
      ? null
      : inherent('statistics', {
          sentence: `Tenant ${attacker} owns ${own} rows of ${cell.name} and ${cell.path} tells it of ${rows}`,
          rows: [],
          victim,
          command: cell.path,
          severity: 'low',
        })
  },
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ address }) => `SELECT 1 AS own FROM ${address} LIMIT 1`),
})

function valued(witness: Witness | null): Witness | null {
  return witness === null ? null : { ...witness, severity: 'medium' }
}

function named({ relation }: Target): string {
  return `${same('s.schemaname', relation.schema)} AND ${same('s.tablename', relation.name)}`
}

function same(column: string, value: string): string {
  return `${identifier(column.split('.')[0] ?? '')}.${identifier(column.split('.')[1] ?? '')} = ${literal(value)}`
}
