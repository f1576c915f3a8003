/** The tables before a migration, kept on the server, so that what it makes and what it opens can be told after it. */

import type { Row } from '../../model/observation.ts'
import { literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { GuardScope } from '../guards/guarded-table.ts'

/** Schema of the version tables: `schemaversion` of the platform, and one named after each tenant's schema. */
export const versionsSchema = 'dotmac_migrations'

export interface Remembering {
  /** Schemas of the place, whose tables are looked at closely. */
  readonly schemas: readonly string[]
  readonly scope: Omit<GuardScope, 'schema'>
}

/** A table that is new, or whose isolation may be another than before. */
export interface TouchedTable {
  /** As a migration would write it: qualified outside of the place's schemas. */
  readonly name: string
  /** The table that it is a partition of, at the top; else itself. So are the following. */
  readonly oid: string
  readonly schema: string
  readonly table: string
  readonly isNew: boolean
  /** It had tenant_id before. */
  readonly hadTenant: boolean
  /** Its row security was on before. */
  readonly wasSecured: boolean
  /** PUBLIC or a role beside owner and reporter could read it before. */
  readonly wasRead: boolean
}

const ours = `c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^(pg_|information_schema$)'
  AND n.nspname <> ${literal(versionsSchema)}`

/** A partition is as guarded as the table that it belongs to, also when it is moved to another. */
const root = 'CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END'

/** Counted, because EXISTS is planned as one scan of the columns of all tables, and few tables are asked. */
const hasTenant = `(SELECT count(*) > 0 FROM pg_catalog.pg_attribute t
  WHERE t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped)`

/** What isolates one table: owner, rights, switches, policies, tenant_id, rights on columns, heirs, keys and checks. */
const stateOf = `concat_ws('; ', c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity,
  (SELECT string_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, p.polroles,
      pg_get_expr(p.polqual, p.polrelid), '/', pg_get_expr(p.polwithcheck, p.polrelid)), ', ' ORDER BY p.polname)
    FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid),
  (SELECT string_agg(concat_ws(' ', a.attname, a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.attcollation,
      a.attacl, CASE WHEN a.attname = 'tenant_id' THEN (SELECT pg_get_expr(d.adbin, d.adrelid)
        FROM pg_catalog.pg_attrdef d WHERE d.adrelid = c.oid AND d.adnum = a.attnum) END), ', ' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
      AND NOT a.attisdropped AND (a.attname = 'tenant_id' OR a.attacl IS NOT NULL)),
  (SELECT string_agg(concat_ws(' ', x.indexrelid, x.indisvalid), ', ' ORDER BY x.indexrelid)
    FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid),
  (SELECT string_agg(i.inhrelid::text, ', ' ORDER BY i.inhrelid) FROM pg_catalog.pg_inherits i
    WHERE i.inhparent = c.oid),
  (SELECT string_agg(concat_ws(' ', k.oid, k.convalidated), ', ' ORDER BY k.oid)
    FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f')))`

/**
 * In a database of 1,000 tenants there are 20,000 tables, each tenant is migrated, and a migration of one tenant's
 * schema has no business with the others: of those nothing is kept, and a row of pg_class that this transaction wrote
 * (owner, rights, switches) tells that one was changed.
 */
function near({ schemas, scope }: Remembering): string {
  return scope.onlyTenant === undefined
    ? 'true'
    : `n.nspname IN (${schemas.map(literal).join(', ')})`
}

/**
 * Whether this transaction wrote a row of a catalogue: the transactions within it have later numbers.
 * https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
 */
export function writtenNow(row: string): string {
  return `age(${row}.xmin) <= 0`
}

/** A system column's row is written with its table and never again. */
const isNewFar = `(SELECT count(*) > 0 FROM pg_catalog.pg_attribute t
  WHERE t.attrelid = c.oid AND t.attname = 'tableoid' AND ${writtenNow('t')})`

const from = 'FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace'

/**
 * The list stays on the server, in a temporary table that `touchedTables` drops. What this transaction wrote before is
 * in it too, because it is not the script's.
 */
export async function rememberTables(session: Session, place: Remembering): Promise<void> {
  await session.query(`CREATE TEMPORARY TABLE dotmac_tables_before ON COMMIT DROP AS
    SELECT c.oid AS table_oid, ${root} AS root_oid, c.xmin AS row, c.relowner, c.relacl, c.relrowsecurity,
      CASE WHEN ${near(place)} THEN ${stateOf} END AS state, CASE WHEN ${near(place)} THEN ${hasTenant} END AS tenant
    ${from} WHERE ${ours} AND (${near(place)} OR ${writtenNow('c')})`)
}

/** New tables and those whose state is another one, the oldest first. A partition that was moved is new. */
export async function touchedTables(
  session: Session,
  place: Remembering,
): Promise<readonly TouchedTable[]> {
  const { owner, admin } = place.scope.roles
  const rows = await session.query(`WITH touched AS MATERIALIZED (
      SELECT ${root} AS root_oid, c.oid AS table_oid, CASE WHEN ${near(place)} THEN b.table_oid IS NULL
          ELSE ${isNewFar} END AS is_new, CASE
          WHEN n.nspname IN (${place.schemas.map(literal).join(', ')}) THEN quote_ident(c.relname)
          ELSE format('%I.%I', n.nspname, c.relname) END AS name ${from}
      LEFT JOIN pg_temp.dotmac_tables_before b ON b.table_oid = c.oid AND b.root_oid = ${root}
      WHERE ${ours} AND CASE WHEN ${near(place)} THEN b.table_oid IS NULL OR b.state <> ${stateOf}
        ELSE ${writtenNow('c')} AND b.row IS DISTINCT FROM c.xmin END)
    SELECT t.root_oid::text AS oid, n.nspname AS schema, c.relname AS table, t.name, t.is_new,
      coalesce(b.tenant, ${hasTenant}) AS tenant, coalesce(b.relrowsecurity, false) AS secured,
      EXISTS (SELECT FROM aclexplode(b.relacl) g LEFT JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
        WHERE g.grantee <> b.relowner AND g.privilege_type = 'SELECT'
          AND coalesce(r.rolname, 'PUBLIC') NOT IN (${literal(owner)}, ${literal(admin)})) AS is_read
    FROM touched t JOIN pg_catalog.pg_class c ON c.oid = t.root_oid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_temp.dotmac_tables_before b ON b.table_oid = t.root_oid ORDER BY t.table_oid`)
  await session.query('DROP TABLE pg_temp.dotmac_tables_before')
  const isTrue = (row: Row, key: string) => row[key] === 't'
  return rows.map((row) => ({
    oid: String(row['oid']),
    schema: String(row['schema']),
    table: String(row['table']),
    name: String(row['name']),
    isNew: isTrue(row, 'is_new'),
    hadTenant: isTrue(row, 'tenant'),
    wasSecured: isTrue(row, 'secured'),
    wasRead: isTrue(row, 'is_read'),
  }))
}
