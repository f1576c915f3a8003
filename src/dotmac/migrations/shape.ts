/** What tenants' schemas hold, as lines that are the same for schemas that are alike. */

import { auditFunction } from '../audit/triggers.ts'
import { literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { MappedTenant } from './places.ts'

/** Hashes by schema; a schema that is missing is left out. */
export async function shapesOf(
  session: Session,
  tenants: readonly MappedTenant[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await session.query(`${linesSql(tenants)}
    SELECT schema, md5(string_agg(line, E'\\n' ORDER BY line COLLATE "C")) AS shape FROM lines GROUP BY schema`)
  return new Map(rows.map((row) => [String(row['schema']), String(row['shape'])]))
}

/** The lines themselves, by schema. */
export async function linesOf(
  session: Session,
  tenants: readonly MappedTenant[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (tenants.length === 0) return new Map()
  const rows = await session.query(
    `${linesSql(tenants)} SELECT schema, line FROM lines ORDER BY line COLLATE "C"`,
  )
  const lines = new Map<string, string[]>()
  for (const row of rows) {
    const schema = String(row['schema'])
    lines.set(schema, [...(lines.get(schema) ?? []), String(row['line'])])
  }
  return lines
}

/**
 * Columns, indexes, constraints, triggers, views, functions, row security, owners and rights. Names of the schema,
 * its role and its tenant are taken out, because they must differ. What `migrate` and `audit partitions` do beside the
 * migrations (audit triggers, months of the trail and the key that these need) is no drift.
 */
function linesSql(tenants: readonly MappedTenant[]): string {
  const list = tenants
    .map(({ id, schema, role }) => `(${[schema, id, role].map(literal).join(', ')})`)
    .join(', ')
  const values =
    list === '' ? 'SELECT NULL::text, NULL::text, NULL::text WHERE false' : `VALUES ${list}`
  const parts = [
    schemaLines,
    relationLines,
    columnLines,
    indexLines,
    constraintLines,
    triggerLines,
    functionLines,
    policyLines,
    rightLines,
  ]
  return `WITH t (schema, tenant, role) AS (${values}),
n AS MATERIALIZED (SELECT t.*, n.oid, n.nspowner, n.nspacl
  FROM t JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema),
c AS MATERIALIZED (SELECT n.schema, n.tenant, n.role, c.* FROM n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
  WHERE NOT c.relispartition),
raw (schema, tenant, role, line) AS (${parts.join('\nUNION ALL ')}),
lines AS (SELECT schema, replace(replace(replace(line, quote_ident(schema) || '.', ''), quote_ident(role),
    'the role'), '''' || replace(tenant, '''', '''''') || '''', 'the tenant') AS line FROM raw)`
}

const tables = "c.relkind IN ('r', 'p', 'v', 'm', 'f')"
const trail = 'audit_tenant_access'

const schemaLines = `SELECT schema, tenant, role, format('owner %s', pg_get_userbyid(nspowner)) FROM n`
/** A trail by month is a partitioned table, and the same to whoever uses it. */
const relationLines = `SELECT schema, tenant, role, format('%s %I of %s%s%s%s',
    CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'table' END,
    relname, pg_get_userbyid(relowner), CASE WHEN relrowsecurity THEN ', row security enabled' END,
    CASE WHEN relforcerowsecurity THEN ', forced' END,
    CASE WHEN relkind IN ('v', 'm') THEN ': ' || pg_get_viewdef(oid) END)
  FROM c WHERE ${tables} OR relkind = 'S'`
const columnLines = `SELECT c.schema, c.tenant, c.role, format('column %I.%I %s%s%s', c.relname, a.attname,
    format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN ' NOT NULL' END,
    ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid))
  FROM c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE ${tables}`
const indexLines = `SELECT c.schema, c.tenant, c.role, format('index %I: %s%s', c.relname,
    replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON '), CASE WHEN NOT x.indisvalid THEN ', invalid' END)
  FROM c JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid 
  JOIN pg_catalog.pg_class own ON own.oid = x.indrelid WHERE NOT (x.indisprimary AND own.relname = '${trail}')`
const constraintLines = `SELECT c.schema, c.tenant, c.role, format('constraint %I of %I: %s', k.conname, c.relname,
    pg_get_constraintdef(k.oid)) FROM c JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid
  WHERE k.contype <> 'n' AND NOT (c.relname = '${trail}' AND k.contype = 'p')`
const triggerLines = `SELECT c.schema, c.tenant, c.role, format('trigger of %I: %s%s', c.relname,
    pg_get_triggerdef(g.oid), CASE g.tgenabled WHEN 'D' THEN ', disabled' END)
  FROM c JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal
  JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid WHERE p.proname || '()' <> ${literal(auditFunction)}`
const functionLines = `SELECT n.schema, n.tenant, n.role, format('function %I(%s) of %s: %s', p.proname,
    pg_get_function_identity_arguments(p.oid), pg_get_userbyid(p.proowner), pg_get_functiondef(p.oid))
  FROM n JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid
  WHERE p.prokind IN ('f', 'p') AND p.proname || '()' <> ${literal(auditFunction)}`
const policyLines = `SELECT c.schema, c.tenant, c.role, format('policy %I of %I', p.polname, c.relname)
  FROM c JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid`
/** An owner's own rights are stored only after the first GRANT. */
const rightLines = `SELECT g.schema, g.tenant, g.role, format('%s of %s on %s', a.privilege_type,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, g.what)
  FROM (SELECT schema, tenant, role, 'the schema' AS what, nspowner AS owner, nspacl AS acl FROM n
    UNION ALL SELECT schema, tenant, role, quote_ident(relname), relowner, relacl FROM c
    UNION ALL SELECT c.schema, c.tenant, c.role, format('%I.%I', c.relname, t.attname), c.relowner, t.attacl
      FROM c JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid WHERE t.attacl IS NOT NULL
    UNION ALL SELECT n.schema, n.tenant, n.role, p.proname::text, p.proowner,
      coalesce(p.proacl, acldefault('f', p.proowner)) FROM n JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid
      WHERE p.proname || '()' <> ${literal(auditFunction)}) g,
    aclexplode(g.acl) a WHERE a.grantee <> g.owner`
