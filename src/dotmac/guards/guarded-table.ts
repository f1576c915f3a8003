/** What the guards know of a table: read from the catalogue each time, because migrations change it. */

import { WatertightError } from '../../errors.ts'
import type { Row } from '../../model/observation.ts'
import { literal, qualified } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { RoleNames } from '../../model/roles.ts'

export interface GuardScope {
  readonly schema: string
  readonly roles: RoleNames
  /** Under schema-per-tenant: whose schema it is. Absent where tenants share the tables. */
  readonly onlyTenant?: { readonly id: string; readonly role: string }
}

/** What a guard did, as sentences; empty when everything was there. */
export interface GuardReport {
  readonly table: string
  readonly did: readonly string[]
}

export interface GuardedTable {
  readonly name: string
  /** Qualified and quoted. */
  readonly address: string
  readonly oid: number
  readonly owner: string
  readonly isPartitioned: boolean
  readonly isPartition: boolean
  readonly rowSecurity: boolean
  readonly forced: boolean
  readonly columns: readonly GuardedColumn[]
  readonly indexes: readonly GuardedIndex[]
}

export interface GuardedColumn {
  readonly name: string
  readonly type: string
  /** And no row from before it was. */
  readonly notNull: boolean
  /** Its default, as the server prints it. */
  readonly fallback: string | null
  /** False when its collation takes different texts for equal. */
  readonly isExact: boolean
}

export interface GuardedIndex {
  readonly name: string
  /** Unique, or an exclusion constraint. */
  readonly isUnique: boolean
  /** It has tenant_id as it is, and for an exclusion constraint compares it by equality. */
  readonly isOfTenant: boolean
  readonly isValid: boolean
  /** An index of some rows only. */
  readonly isPartial: boolean
  /** Null in the place of an expression. */
  readonly columns: readonly (string | null)[]
}

/** @throws WatertightError WATERTIGHT_GUARD when there is no such table. */
export async function readTable(
  session: Session,
  name: string,
  { schema }: GuardScope,
): Promise<GuardedTable> {
  const address = qualified({ schema, name })
  const [row] =
    await session.query(`SELECT c.oid::text AS oid, pg_get_userbyid(c.relowner) AS owner,
    c.relkind = 'p' AS partitioned, c.relispartition AS partition, c.relrowsecurity AS secured,
    c.relforcerowsecurity AS forced,
    (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
      'notNull', a.attnotnull AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid
        AND k.contype = 'n' AND k.conkey[1] = a.attnum AND NOT k.convalidated),
      'fallback', (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
        WHERE d.adrelid = c.oid AND d.adnum = a.attnum),
      'isExact', coalesce(l.collisdeterministic, true)) ORDER BY a.attnum), '[]')
      FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::text AS columns,
    (SELECT coalesce(json_agg(json_build_object('name', i.relname, 'isUnique', x.indisunique OR x.indisexclusion,
      'isValid', x.indisvalid, 'isPartial', x.indpred IS NOT NULL,
      'isOfTenant', EXISTS (SELECT FROM unnest(x.indkey::int[]) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND a.attname = 'tenant_id'
        WHERE k.place <= x.indnkeyatts AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint e
          JOIN pg_catalog.pg_operator o ON o.oid = e.conexclop[k.place]
          WHERE e.conrelid = c.oid AND e.conindid = x.indexrelid AND e.contype = 'x' AND o.oprname <> '=')),
      'columns', (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(x.indkey::int[])
        WITH ORDINALITY AS k (attnum, place) LEFT JOIN pg_catalog.pg_attribute a
        ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0 WHERE k.place <= x.indnkeyatts))), '[]')
      FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
      WHERE x.indrelid = c.oid)::text AS indexes
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${literal(schema)} AND c.relname = ${literal(name)} AND c.relkind IN ('r', 'p')`)
  if (row === undefined)
    throw guardError(name, `there is no table ${address}`, 'Create the table before its guards')
  const list = <T>(key: string) => JSON.parse(String(row[key])) as readonly T[]
  return {
    name,
    address,
    oid: Number(row['oid']),
    owner: String(row['owner']),
    isPartitioned: isTrue(row, 'partitioned'),
    isPartition: isTrue(row, 'partition'),
    rowSecurity: isTrue(row, 'secured'),
    forced: isTrue(row, 'forced'),
    columns: list('columns'),
    indexes: list('indexes'),
  }
}

export function isTrue(row: Row, key: string): boolean {
  return row[key] === 't'
}

export function guardError(table: string, sentence: string, hint: string): WatertightError {
  return new WatertightError('WATERTIGHT_GUARD', `The guards of ${table} refuse: ${sentence}`, {
    hint,
  })
}

/** Runs the statements in turn and keeps what they did. */
export async function doing(
  session: Session,
  steps: readonly { readonly sql: string; readonly did: string }[],
): Promise<readonly string[]> {
  for (const { sql } of steps) await session.query(sql)
  return steps.map(({ did }) => did)
}

/** PostgreSQL would cut a longer name silently, and two cut names may be one. */
export function indexName(table: string, suffix: string): string {
  const name = `idx_${table}_${suffix}`
  if (Buffer.byteLength(name) <= 63) return name
  throw guardError(
    table,
    `the index name ${name} is longer than 63 bytes`,
    'Give it a shorter name',
  )
}
