/** Drift: tenants' schemas that are at another version, or no longer look like the others of their version. */

import type { Service } from '../../model/tenancy.ts'
import { identifier, literal } from '../../postgres/identifier.ts'
import type { Session } from '../../postgres/session.ts'
import type { MappedTenant } from './places.ts'
import { versionsSchema } from './run-guards.ts'

export interface TenantVersion {
  readonly tenant: string
  readonly service: Service
  /** Null when the schema is missing or was never migrated. */
  readonly version: number | null
  /** Hash over columns, defaults, indexes, constraints and triggers; null when the schema is missing. */
  readonly shape: string | null
}

export interface Drift {
  readonly tenant: string
  readonly service: Service
  readonly sentence: string
}

/** Versions and shapes of the tenants' schemas in one database. */
export async function tenantVersions(
  session: Session, service: Service, tenants: readonly MappedTenant[],
): Promise<readonly TenantVersion[]> {
  const shapes = new Map((await session.query(shapesSql(tenants))).map((row) => [row['schema'], String(row['shape'])]))
  const migrated = new Set((await session.query(`SELECT c.relname AS name FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${literal(versionsSchema)}`))
    .map((row) => row['name']))
  const versions: TenantVersion[] = []
  for (const { id, schema } of tenants) {
    const [row] = migrated.has(schema)
      ? await session.query(`SELECT max(version) AS version FROM ${versionsSchema}.${identifier(schema)}`) : []
    const version = typeof row?.['version'] === 'string' ? Number(row['version']) : null
    versions.push({ tenant: id, service, version, shape: shapes.get(schema) ?? null })
  }
  return versions
}

/** Pure: who differs from the newest version, and from the shape that most tenants of the same version have. */
export function driftOf(versions: readonly TenantVersion[]): readonly Drift[] {
  const newest = Math.max(0, ...versions.map(({ version }) => version ?? 0))
  return versions.flatMap(({ tenant, service, version, shape }): readonly Drift[] => {
    if (shape === null) return [{ tenant, service, sentence: 'has no schema' }]
    if (version !== newest) return [{ tenant, service, sentence: `is at version ${version ?? 'none'}, not ${newest}` }]
    const usual = mostFrequent(versions.filter((each) => each.version === version).map((each) => each.shape))
    return shape === usual ? [] : [{ tenant, service, sentence: 'has another shape than most schemas of its version' }]
  })
}

function mostFrequent(shapes: readonly (string | null)[]): string | null {
  const counts = new Map<string | null, number>()
  for (const shape of shapes) counts.set(shape, (counts.get(shape) ?? 0) + 1)
  return [...counts].toSorted(([a, m], [b, n]) => n - m || String(a).localeCompare(String(b)))[0]?.[0] ?? null
}

/** Names of the schema and of the tenant are taken out, because they must differ. */
function shapesSql(tenants: readonly MappedTenant[]): string {
  const list = tenants.map(({ id, schema }) => `(${literal(schema)}, ${literal(id)})`).join(', ')
  const values = list === '' ? 'SELECT NULL::text, NULL::text WHERE false' : `VALUES ${list}`
  const neutral = (text: string) =>
    `replace(replace(${text}, quote_ident(t.schema) || '.', ''), quote_literal(t.tenant), '''the tenant''')`
  return `WITH t (schema, tenant) AS (${values}), lines AS (
  SELECT t.schema, format('column %s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
    a.attnotnull, ${neutral("coalesce(pg_get_expr(d.adbin, d.adrelid), '')")}) AS line
  FROM t JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE c.relkind IN ('r', 'p', 'v', 'm')
  UNION ALL SELECT t.schema, ${neutral('pg_get_indexdef(c.oid)')}
  FROM t JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('i', 'I')
  UNION ALL SELECT t.schema, format('%s %s %s', k.conrelid::regclass::text, k.conname,
    ${neutral('pg_get_constraintdef(k.oid)')}) FROM t JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema
  JOIN pg_catalog.pg_constraint k ON k.connamespace = n.oid
  UNION ALL SELECT t.schema, ${neutral('pg_get_triggerdef(g.oid)')} FROM t
  JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
  JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal)
SELECT n.nspname AS schema, md5(coalesce(string_agg(l.line, E'\\n' ORDER BY l.line), '')) AS shape
FROM t JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema LEFT JOIN (
  SELECT schema, replace(line, quote_ident(schema) || '.', '') AS line FROM lines) l ON l.schema = t.schema
GROUP BY n.nspname`
}
