/** All tables of a database that hold rows of their own or of their partitions. */

import { createHash } from 'node:crypto'
import type { Session } from '../../postgres/session/session.ts'
import type { ColumnEntry } from './manifest.ts'

export interface LiveTable {
  readonly schema: string
  readonly table: string
  /** Qualified, quoted by the server. */
  readonly address: string
  readonly columns: readonly ColumnEntry[]
  /** The relations that its rows stand in, the table itself or its partitions, as pg_dump names them. */
  readonly storedAs: readonly string[]
}

export async function everyTable(session: Session): Promise<readonly LiveTable[]> {
  const rows = await session.query(`SELECT n.nspname AS schema, c.relname AS table,
      format('%I.%I', n.nspname, c.relname) AS address,
      (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod))
        ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
      (SELECT json_agg(format('%I.%I', m.nspname, l.relname)) FROM (SELECT c.oid AS relid
        UNION SELECT p.relid FROM pg_partition_tree(c.oid) p) s JOIN pg_class l ON l.oid = s.relid
        JOIN pg_namespace m ON m.oid = l.relnamespace WHERE l.relkind = 'r') AS stored
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    ORDER BY 1, 2`)
  return rows.map((row) => ({
    schema: String(row['schema']),
    table: String(row['table']),
    address: String(row['address']),
    columns: parsed<ColumnEntry>(row['columns']),
    storedAs: parsed<string>(row['stored']),
  }))
}

/** One fingerprint over the names and types of all columns. */
export function shapeOf(tables: readonly LiveTable[]): string {
  const shape = tables.map(({ address, columns }) => [
    address,
    columns.map(({ name, type }) => [name, type]),
  ])
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 16)
}

function parsed<T>(json: unknown): readonly T[] {
  return typeof json === 'string' ? (JSON.parse(json) as readonly T[]) : []
}
