/** What the application reads beside the platform's own tables: views, materialized views, copies, logs. */

import { sqlstateOf } from '../../errors.ts'
import type { StrategySession } from '../../model/context-strategy.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { MappedTenant } from '../migrations/places.ts'
import { tablesOf } from '../models/index.ts'
import { sharedSchema } from '../schema-manager.ts'
import { together, type Found, type HealthSubject } from './health-check.ts'

export interface ReachedRelation {
  readonly name: string
  /** As SQL names it. */
  readonly at: string
  readonly hasTenant: boolean
  /** A view of tenants' rows, straight or through other views. */
  readonly dependsOnTenants: boolean
  readonly isView: boolean
}

/** Rows read of one relation. */
const rowsMax = 10_000

/** Those that this role reads: the application's, or under schema-per-tenant the tenant's. */
export async function relationsReachedBy(
  { admin, service, tenancy }: HealthSubject,
  role: string,
  schema: string,
): Promise<readonly ReachedRelation[]> {
  const isShared = tenancy === 'row-level-security'
  const own = tablesOf(service).map(({ name, placement }) =>
    literal(`${isShared ? 'public' : placement === 'shared' ? sharedSchema : schema}.${name}`),
  )
  const rows = await admin.query(`WITH RECURSIVE reads AS (
      SELECT w.ev_class AS reader, d.refobjid AS read FROM pg_depend d
        JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
        WHERE d.refclassid = 'pg_class'::regclass AND w.ev_class <> d.refobjid
      UNION SELECT r.reader, more.refobjid FROM reads r JOIN pg_rewrite w ON w.ev_class = r.read
        JOIN pg_depend more ON more.classid = 'pg_rewrite'::regclass AND more.objid = w.oid
        WHERE more.refclassid = 'pg_class'::regclass AND more.refobjid <> r.read)
    SELECT n.nspname || '.' || c.relname AS name, format('%I.%I', n.nspname, c.relname) AS at,
      EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
        AS has_tenant,
      EXISTS (SELECT FROM reads JOIN pg_attribute a ON a.attrelid = read AND a.attname = 'tenant_id'
        WHERE reader = c.oid) AS depends, c.relkind IN ('v', 'm') AS is_view
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles w ON w.rolname = ${literal(role)}
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema$)'
      AND n.nspname || '.' || c.relname NOT IN (${own.join(', ')})
      AND has_schema_privilege(w.oid, n.oid, 'USAGE') AND has_any_column_privilege(w.oid, c.oid, 'SELECT') ORDER BY 1`)
  return rows.map((row) => ({
    name: String(row['name']),
    at: String(row['at']),
    hasTenant: row['has_tenant'] === 't',
    dependsOnTenants: row['depends'] === 't',
    isView: row['is_view'] === 't',
  }))
}

/** Texts of a tenant's rows that should be nobody else's: those of a few rows of each table. */
export async function marksOf(
  { admin, service, tenancy }: HealthSubject,
  tenant: MappedTenant,
): Promise<readonly string[]> {
  const schema = identifier(tenancy === 'row-level-security' ? 'public' : tenant.schema)
  const marks = new Set<string>()
  const tables = tablesOf(service).filter(
    ({ placement, mixin }) => placement === 'tenant' && mixin !== 'audit',
  )
  for (const { name } of tables) {
    const rows = await admin.query(`SELECT DISTINCT value FROM (SELECT to_jsonb(t) AS whole FROM
      ${schema}.${identifier(name)} t WHERE tenant_id = ${literal(tenant.id)} LIMIT 3) few,
      jsonb_each_text(few.whole) WHERE key <> 'tenant_id' AND value ~ '[@-].*[0-9]|[0-9].*[@-]|@'
        AND length(value) BETWEEN 8 AND 80 AND value !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}'`)
    for (const row of rows) marks.add(String(row['value']))
  }
  return [...marks]
}

/**
 * Views that run with an owner's rights that no policy binds: without a barrier a cheap condition of the reader is
 * evaluated before the view's own, without a check option they write rows that they would not show.
 * https://www.postgresql.org/docs/current/rules-privileges.html
 */
export async function ownersViews({ admin, roles }: HealthSubject): Promise<Found> {
  const has = (option: string) =>
    `EXISTS (SELECT FROM unnest(c.reloptions) option WHERE option ~ '^${option}')`
  const rows = await admin.query(`SELECT n.nspname || '.' || c.relname AS name, o.rolname AS owner,
      ${has('security_barrier=(true|on|1|yes)')} AS barrier, ${has('check_option=')}
        OR NOT has_any_column_privilege(w.oid, c.oid, 'INSERT, UPDATE') AS checked
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
    JOIN pg_roles w ON w.rolname = ${literal(roles.app)}
    WHERE c.relkind = 'v' AND n.nspname !~ '^(pg_|information_schema$)'
      AND NOT ${has('security_invoker=(true|on|1|yes)')} AND has_schema_privilege(w.oid, n.oid, 'USAGE')
      AND has_any_column_privilege(w.oid, c.oid, 'SELECT, INSERT, UPDATE')
      AND EXISTS (SELECT FROM pg_rewrite e JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = e.oid
        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attname = 'tenant_id'
        JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p', 'm')
        WHERE e.ev_class = c.oid AND d.refclassid = 'pg_class'::regclass AND (t.relkind = 'm' OR o.rolsuper
          OR o.rolbypassrls OR (t.relowner = o.oid AND NOT t.relforcerowsecurity))) ORDER BY 1`)
  return together(
    ...rows.map((row) => ({
      unjudged: [],
      findings: [
        ...(row['barrier'] === 't'
          ? []
          : [
              `${String(row['name'])}: reads with the rights of ${String(row['owner'])} and ` +
                'has no security_barrier',
            ]),
        ...(row['checked'] === 't'
          ? []
          : [
              `${String(row['name'])}: writes with the rights of ${String(row['owner'])} ` +
                'and has no check option',
            ]),
      ],
    })),
  )
}

export interface Reader {
  /** Under schema-per-tenant: the only tenant whose rows a schema may hold; null where policies filter. */
  readonly only: MappedTenant | null
  /** Whose rows must not be seen. */
  readonly other: MappedTenant
  readonly marks: readonly string[]
}

/** Asked as the tenant, in its transaction. */
export async function readForeign(
  session: StrategySession,
  relations: readonly ReachedRelation[],
  reader: Reader,
): Promise<Found> {
  const found: Found[] = []
  // Views of tenants' rows without tenant_id are asked as nobody, and their schemas are read.
  for (const relation of relations.filter(({ hasTenant, isView }) => hasTenant || !isView)) {
    await session.query('SAVEPOINT ask')
    found.push(await readOne(session, relation, reader))
    await session.query('ROLLBACK TO SAVEPOINT ask')
  }
  return together(...found)
}

async function readOne(
  session: StrategySession,
  { name, at, hasTenant }: ReachedRelation,
  { only, other, marks }: Reader,
): Promise<Found> {
  try {
    if (hasTenant) {
      const { rows } = await session.query(
        `SELECT 1 FROM ${at} WHERE ${
          only === null
            ? `tenant_id = ${literal(other.id)}`
            : `tenant_id IS DISTINCT FROM ${literal(only.id)}`
        } LIMIT 1`,
      )
      return rows.length > 0 ? finding(`${name}: shows rows of another tenant`) : nothing
    }
    const {
      rows: [row],
    } = await session.query(`SELECT count(*) AS n, coalesce(bool_or(EXISTS (
      SELECT FROM unnest(ARRAY[${marks.map(literal).join(', ')}]::text[]) mark WHERE position(mark IN r::text) > 0)),
      false) AS marked FROM (SELECT * FROM ${at} LIMIT ${rowsMax}) r`)
    if (String(row?.['marked']).startsWith('t'))
      return finding(`${name}: shows rows of another tenant`)
    if (Number(row?.['n']) > 0) return nothing
    return {
      findings: [],
      unjudged: [`${name}: is none of the platform's tables, has no tenant_id and is empty`],
    }
  } catch (error) {
    const code = sqlstateOf(error)
    if (code === null) throw error
    // Whoever may read single columns only is refused the whole row.
    return { findings: [], unjudged: [`${name}: reading it ended with ${code}`] }
  }
}

/** In the context of a tenant that does not exist, nothing that comes of tenants' rows may be seen but zeros. */
export async function readAsNobody(
  session: StrategySession,
  relations: readonly ReachedRelation[],
): Promise<Found> {
  const found: Found[] = []
  for (const { name, at } of relations.filter(({ dependsOnTenants }) => dependsOnTenants)) {
    await session.query('SAVEPOINT ask')
    found.push(
      await session
        .query(
          `SELECT 1 FROM (SELECT * FROM ${at} LIMIT ${rowsMax}) r
        WHERE EXISTS (SELECT FROM jsonb_each_text(to_jsonb(r)) WHERE value IS NOT NULL AND value !~ '^[0.]*$') LIMIT 1`,
        )
        .then(({ rows }) =>
          rows.length > 0
            ? finding(`${name}: shows rows to a tenant that does not exist`)
            : nothing,
        )
        .catch((error: unknown) => {
          const code = sqlstateOf(error)
          if (code === null) throw error
          return { findings: [], unjudged: [`${name}: reading it ended with ${code}`] }
        }),
    )
    await session.query('ROLLBACK TO SAVEPOINT ask')
  }
  return together(...found)
}

const nothing: Found = { findings: [], unjudged: [] }

function finding(sentence: string): Found {
  return { findings: [sentence], unjudged: [] }
}
