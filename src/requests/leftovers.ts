/**
 * What a request can leave on its connection beside the context, and how the next one finds it: by
 * asking the server what is there, so that leftovers of the strategy itself are found as well.
 */

import type { Row } from '../model/observation.ts'
import type { Tenant } from '../model/tenant.ts'
import { identifier } from '../sql/identifier.ts'

export const leftoverKinds = [
  'open cursor',
  'held cursor',
  'prepared statement',
  'temporary table',
  'role',
  'search_path',
  'advisory lock',
  'listening channel',
] as const
export type LeftoverKind = (typeof leftoverKinds)[number]

/** A cursor ends with its transaction; the others are the session's, and only DISCARD ALL clears them all. */
export const clearedWithTransaction: ReadonlySet<LeftoverKind> = new Set(['open cursor'])

export interface LeftoverTexts {
  /** Reads canaries; what it returns is what is left. */
  readonly probeSql: string
  /** A text in which the tenant is recognised, as a literal in a statement would be. */
  readonly canaryOf: (tenant: Tenant) => string
  /** Key of the advisory lock by which the tenant is recognised. */
  readonly lockOf: (tenant: Tenant) => number
}

/** The statement by which the work leaves something. Names differ by tenant, so that both can be there. */
export function leaveSql(
  kind: LeftoverKind,
  tenant: Tenant,
  { probeSql, canaryOf, lockOf }: LeftoverTexts,
): string {
  const name = identifier(leftName(tenant))
  switch (kind) {
    // A plan asks for the context with its first row, so that row is fetched while it is the tenant's own.
    case 'open cursor':
      return (
        `DECLARE ${name} SCROLL CURSOR FOR ${probeSql}; MOVE 1 FROM ${name}; ` +
        `MOVE BACKWARD ALL FROM ${name}`
      )
    case 'held cursor':
      return `DECLARE ${name} CURSOR WITH HOLD FOR ${probeSql}`
    case 'prepared statement':
      return `PREPARE ${name} AS SELECT ${canaryOf(tenant)}::text AS canary`
    case 'temporary table':
      return `CREATE TEMPORARY TABLE ${name} AS ${probeSql}`
    case 'role':
      return `SET ROLE ${identifier(tenant.role)}`
    case 'search_path':
      return `SET search_path = ${identifier(tenant.schema)}`
    case 'advisory lock':
      return `SELECT pg_try_advisory_lock(${lockOf(tenant)})`
    case 'listening channel':
      return `LISTEN ${name}`
  }
}

/** Name of what the tenant's work leaves; the server cuts names at 63 bytes. */
export function leftName(tenant: Tenant): string {
  return `left_${tenant.schema}`.slice(0, 63)
}

export interface FoundLeftover {
  readonly kind:
    'cursor' | 'prepared statement' | 'temporary table' | 'advisory lock' | 'listening channel'
  readonly name: string
  readonly text: string
}

/** One row per thing that the session carries; prepared statements of the harness itself are not among them. */
export const inventorySql = (
  contextColumns: string,
) => `SELECT ${contextColumns}, found.kind, found.name, found.text FROM (
  SELECT 'cursor' AS kind, name, '' AS text FROM pg_cursors WHERE name <> ''
  UNION ALL SELECT 'prepared statement', name, statement FROM pg_prepared_statements
    WHERE statement NOT LIKE '%/* canary */%'
  UNION ALL SELECT 'temporary table', relname, '' FROM pg_class
    WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'
  UNION ALL SELECT 'advisory lock', objid::text, '' FROM pg_locks
    WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
  UNION ALL SELECT 'listening channel', channel, '' FROM pg_listening_channels() AS channel) found`

export function foundIn(rows: readonly Row[]): readonly FoundLeftover[] {
  return rows.map((row) => ({
    kind: String(row['kind']) as FoundLeftover['kind'],
    name: String(row['name']),
    text: String(row['text']),
  }))
}

/** Reads what was found; null where the inventory has already said everything. */
export function readSql({ kind, name }: FoundLeftover): string | null {
  if (kind === 'cursor') return `FETCH 64 FROM ${identifier(name)}`
  if (kind === 'temporary table') return `SELECT * FROM pg_temp.${identifier(name)} LIMIT 64`
  return null
}
