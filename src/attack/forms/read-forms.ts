/** Ways of reading rows: every production of SELECT through which PostgreSQL could forget a policy. */

import type { RelationKind, TablePrivilege } from '../../model/catalog.ts'
import type { Channel } from '../../model/channel.ts'
import type { WorldFacts } from '../../model/world.ts'
import type { Tenant } from '../../model/tenant.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { World } from '../../world/world.ts'
import { aliased, victimsKey, type ReadRequest } from './request.ts'

export interface ReadForm {
  /** Column of the matrix. */
  readonly id: string
  /** Right that the form needs beside SELECT. */
  readonly privilege?: TablePrivilege
  /** Kinds of relations it can be written for. Default: all. */
  readonly kinds?: readonly RelationKind[]
  /** Tenancies in which it can be written. Default: all. */
  readonly separatedBy?: WorldFacts['separatedBy']
  /** Form by which own rows are read as positive control, where this one cannot see them. */
  readonly controlledBy?: string
  /** True when its rows are wrapped by further SELECTs. */
  readonly nests?: boolean
  /** What a row proves: content (default), only what carries a mark, a number in column n, or that a row exists. */
  readonly shows?: 'content' | 'marks' | 'count' | 'existence'
  /** True when it refers to the row as a whole, for which a grant on some columns is not enough. */
  readonly wholeRow?: boolean
  /** True when it names a row by its key: views have none that is known. */
  readonly byKey?: boolean
  /** Channel of which it makes use: what it shows is an assumption unless the target claims otherwise. */
  readonly channel?: Channel
  /** server_version_num of a server whose backend crashes on it, which ends every connection of everybody. */
  readonly crashes?: number
  /** SELECT statements, the last one returns what is judged; null when it cannot be written here. */
  readonly build: (request: ReadRequest) => readonly string[] | null
}

const stored: readonly RelationKind[] = ['table', 'partitioned table', 'partition']
const core = ({ columns, from, where }: ReadRequest) =>
  `SELECT ${aliased(columns)} FROM ${from} t ${where} LIMIT 200`

/** Without a condition: it is run in the victim's own context too, where a leaky one would fail on its rows. */
const everything = (request: ReadRequest) => core({ ...request, where: '' })

/** One SELECT that may be wrapped. */
function query(
  id: string,
  build: (request: ReadRequest) => string,
  more: Partial<ReadForm> = {},
): ReadForm {
  return { id, nests: true, ...more, build: (request) => [build(request)] }
}

function lock(id: string, clause: string): ReadForm {
  return query(id, (request) => `${core(request)} ${clause}`, {
    privilege: 'UPDATE',
    kinds: stored,
    nests: false,
  })
}

/** A form that only makes sense for a row whose key is known. */
function keyed(
  id: string,
  build: (request: ReadRequest, key: string) => string,
  more: Partial<ReadForm> = {},
): ReadForm {
  return {
    id,
    byKey: true,
    ...more,
    build: (request) => {
      const key = victimsKey(request)
      return key === null ? null : [build(request, key)]
    },
  }
}

export const readForms: readonly ReadForm[] = [
  query('SELECT unkeyed', core),
  keyed(
    'SELECT keyed',
    ({ columns, from }, key) => `SELECT ${aliased(columns)} FROM ${from} t WHERE ${key}`,
    { nests: true },
  ),
  query(
    'self join',
    ({ columns, from, where, keys }) => `SELECT ${aliased(columns)} FROM ${from} t
    JOIN ${from} u ON (${keys}) IS NOT DISTINCT FROM (${keys.replaceAll('t.', 'u.')}) ${where} LIMIT 200`,
  ),
  query(
    'outer join',
    ({ columns, from, where }) =>
      `SELECT ${aliased(columns)} FROM (SELECT 1) one LEFT JOIN ${from} t ON true ${where} LIMIT 200`,
  ),
  query(
    'sub-select',
    ({ columns, from, where }) => `SELECT ${aliased(columns)} FROM ${from} t
    WHERE t.ctid IN (SELECT t.ctid FROM ${from} t ${where}) LIMIT 200`,
    { kinds: stored, wholeRow: true },
  ),
  query(
    'scalar sub-select',
    ({ columns, from, where }) =>
      `SELECT (SELECT row_to_json(r)::text
      FROM (SELECT ${aliased(columns)} FROM ${from} t ${where} LIMIT 1) r) AS value`,
  ),
  query(
    'CTE',
    (request) =>
      `WITH RECURSIVE w AS (${core(request)}), v AS MATERIALIZED (SELECT * FROM w) SELECT * FROM v`,
  ),
  query(
    'set operation',
    ({ columns, from, where }) => `SELECT ${aliased(columns)} FROM ${from} t ${where}
    UNION ALL (SELECT ${aliased(columns)} FROM ${from} t ${where} LIMIT 100) LIMIT 400`,
  ),
  query(
    'window',
    ({ columns, from, where }) =>
      `SELECT ${aliased(columns)}, count(*) OVER () AS watertight_n FROM ${from} t ${where} LIMIT 200`,
  ),
  query('window over all', ({ from }) => `SELECT count(*) OVER () AS n FROM ${from} t LIMIT 1`, {
    shows: 'count',
    nests: false,
  }),
  query(
    'aggregate',
    ({ columns, from, where }) =>
      `SELECT json_agg(r)::text AS list FROM (SELECT ${aliased(columns)} FROM ${from} t ${where} LIMIT 200) r`,
  ),
  query('count', ({ from }) => `SELECT count(*) AS n FROM ${from} t`, {
    shows: 'count',
    nests: false,
  }),
  query(
    'GROUPING SETS',
    ({ from, where, keys }) =>
      `SELECT ${keys}, count(*) AS watertight_n FROM ${from} t ${where}
      GROUP BY GROUPING SETS ((), (${keys})) LIMIT 400`,
  ),
  query(
    'CUBE',
    ({ from, keys }) =>
      `SELECT count(*) AS n FROM ${from} t GROUP BY CUBE (${keys}) ORDER BY 1 DESC LIMIT 5`,
    { shows: 'count', nests: false, crashes: 180000 },
  ),
  query(
    'TABLESAMPLE',
    ({ columns, from, where }) =>
      `SELECT ${aliased(columns)} FROM ${from} t TABLESAMPLE SYSTEM (100) ${where} LIMIT 200`,
    { kinds: stored },
  ),
  lock('FOR UPDATE', 'FOR UPDATE OF t'),
  lock('FOR SHARE', 'FOR KEY SHARE OF t'),
  lock('SKIP LOCKED', 'FOR SHARE OF t SKIP LOCKED'),
  {
    id: 'cursor',
    build: (request) => [
      `DECLARE watertight_c SCROLL CURSOR FOR ${core(request)}`,
      'MOVE FORWARD ALL FROM watertight_c',
      'FETCH BACKWARD 200 FROM watertight_c',
    ],
  },
  {
    id: 'cursor WITH HOLD',
    build: (request) => [
      `DECLARE watertight_h CURSOR WITH HOLD FOR ${core(request)}`,
      'FETCH 200 FROM watertight_h',
    ],
  },
  {
    id: 'PREPARE',
    build: (request) => [
      'DEALLOCATE ALL',
      `PREPARE watertight_p AS ${core(request)}`,
      ...Array.from({ length: 6 }, () => 'EXECUTE watertight_p'),
    ],
  },
  query(
    'whole row',
    ({ from, where }) => `SELECT to_jsonb(t)::text AS whole FROM ${from} t ${where} LIMIT 200`,
    { wholeRow: true },
  ),
  query(
    'row value',
    ({ columns, from, where }) =>
      `SELECT ROW(${aliased(columns)})::text AS whole FROM ${from} t ${where} LIMIT 200`,
  ),
  query(
    'ONLY',
    ({ columns, from, where }) =>
      `SELECT ${aliased(columns)} FROM ONLY ${from} t ${where} LIMIT 200`,
    { kinds: ['table', 'partition'] },
  ),
  query(
    'system columns',
    ({ columns, from, where }) =>
      `SELECT t.tableoid::text, t.ctid::text, ${aliased(columns)} FROM ${from} t ${where} LIMIT 200`,
    { kinds: stored, wholeRow: true },
  ),
  keyed(
    'EXISTS',
    ({ from }, key) => `SELECT 1 AS seen WHERE EXISTS (SELECT FROM ${from} t WHERE ${key})`,
    { shows: 'existence' },
  ),
  keyed(
    'NOT EXISTS',
    ({ from }, key) =>
      `SELECT 1 AS seen WHERE 0 < (SELECT count(*) FILTER (WHERE ${key}) FROM ${from} t)`,
    { shows: 'existence' },
  ),
  query(
    'text aggregate',
    ({ columns, from, where }) =>
      `SELECT string_agg(DISTINCT ROW(${aliased(columns)})::text, ' ') AS list FROM ${from} t ${where}`,
  ),
  query(
    'by row order',
    ({ columns, from, where, keys }) =>
      `SELECT DISTINCT ON (${keys}) ${aliased(columns)} FROM ${from} t ${where} ORDER BY ${keys} LIMIT 200`,
  ),
  {
    // One statement, no second one: what an injection into a SELECT list can do to a policy that is asked per row.
    // Whoever runs SQL of its own may set any context, so this is no more than a forged one.
    id: 'context flip',
    channel: 'forgery',
    kinds: stored,
    separatedBy: 'rows',
    build: ({ world, victim, from, columns }) => [
      'SET LOCAL enable_indexscan = off',
      'SET LOCAL enable_bitmapscan = off',
      `SELECT ${flip(world, victim)} AS flipped, ${aliased(columns)} FROM ${from} t LIMIT 1000`,
    ],
  },
  {
    id: 'EXECUTE in another context',
    build: (request) => [
      'DEALLOCATE ALL',
      ...request.world.context.enter(request.victim),
      `PREPARE watertight_e AS ${everything(request)}`,
      ...Array.from({ length: 6 }, () => 'EXECUTE watertight_e'),
      ...request.world.context.enter(request.attacker),
      'EXECUTE watertight_e',
    ],
  },
  {
    id: 'generic plan in another context',
    build: (request) => [
      'DEALLOCATE ALL',
      'SET LOCAL plan_cache_mode = force_generic_plan',
      ...request.world.context.enter(request.victim),
      `PREPARE watertight_g AS ${everything(request)}`,
      'EXECUTE watertight_g',
      ...request.world.context.enter(request.attacker),
      'EXECUTE watertight_g',
    ],
  },
  ...(['public', '"$user", public', '', 'pg_temp, public'] as const).map((path): ReadForm => ({
    id: `search_path ${path === '' ? 'empty' : path}`,
    kinds: ['table', 'partitioned table', 'view', 'materialized view'],
    build: ({ relation, columns, where }) => [
      `SELECT set_config('search_path', ${literal(path)}, true)`,
      `SELECT ${aliased(columns)} FROM ${identifier(relation.name)} t ${where} LIMIT 200`,
    ],
    shows: 'marks',
    controlledBy: 'SELECT unkeyed',
  })),
  {
    id: 'search_path of the victim',
    controlledBy: 'SELECT unkeyed',
    separatedBy: 'places',
    build: ({ relation, victim, columns, where }) => [
      `SELECT set_config('search_path', ${literal(identifier(victim.schema))}, true)`,
      `SELECT ${aliased(columns)} FROM ${identifier(relation.name)} t ${where} LIMIT 200`,
    ],
  },
  {
    // A view in the tenant's own schema that was bound to somebody else's table.
    id: 'own object',
    separatedBy: 'places',
    shows: 'marks',
    build: ({ own }) =>
      own === null ? null : [`SELECT ${own.columns} FROM ${own.address} t LIMIT 500`],
  },
  { id: 'COPY TO', build: (request) => [`COPY (${core(request)}) TO STDOUT`] },
  {
    id: 'COPY TO as csv',
    build: (request) => [`COPY (${core(request)}) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *)`],
  },
]

/** The setting that names the tenant, as an expression of a SELECT list. */
function flip(world: World, victim: Tenant): string {
  const setting = world.context.settings(victim).at(-1)
  return setting === undefined
    ? 'NULL'
    : `set_config(${literal(setting.name)}, ${literal(setting.value)}, true)`
}
