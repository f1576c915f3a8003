/** The guard of the indexes: tenant_id first, under the seed's names, and in every key. */

import type { Session } from '../../postgres/session/session.ts'
import { identifier } from '../../sql/identifier.ts'
import {
  doing,
  guardError,
  indexName,
  readTable,
  type GuardedIndex,
  type GuardedTable,
  type GuardReport,
  type GuardScope,
} from './guarded-table.ts'

export interface IndexGuardOptions {
  readonly scope: GuardScope
  /** Columns that are searched: each gets idx_<table>_tenant_<column> on (tenant_id, column). */
  readonly columns?: readonly string[]
}

/**
 * Creates the seed's indexes where they are missing: idx_<table>_tenant_id, _tenant_created, _tenant_updated,
 * _tenant_active for the columns that exist, and one for each named column. In a tenant's own schema tenant_id
 * is constant and left out of the composites. Runs in the caller's transaction (no CONCURRENTLY).
 * @throws WatertightError WATERTIGHT_GUARD when an index of that name has other columns or is invalid, a column
 *   does not exist, or a key of a shared table lacks tenant_id.
 */
export async function ensureTenantIndexes(
  session: Session,
  name: string,
  { scope, columns = [] }: IndexGuardOptions,
): Promise<GuardReport> {
  const table = await readTable(session, name, scope)
  refuseKeysWithoutTenant(table, scope)
  const wanted = wantedIndexes(table, { scope, columns })
  const missing = wanted.filter((index) => !hasIndex(table, index))
  const did = await doing(
    session,
    missing.map((index) => ({
      sql: `CREATE INDEX ${identifier(index.name)} ON ${table.address} (${index.columns.map(identifier).join(', ')})`,
      did: `created ${index.name} (${index.columns.join(', ')})`,
    })),
  )
  return { table: name, did }
}

interface WantedIndex {
  readonly name: string
  readonly columns: readonly string[]
}

/** The indexes that the table must have, by what columns it has. */
export function wantedIndexes(
  table: GuardedTable,
  { scope, columns = [] }: IndexGuardOptions,
): readonly WantedIndex[] {
  const has = (column: string) => table.columns.some(({ name }) => name === column)
  const unknown = columns.find((column) => !has(column))
  if (unknown !== undefined)
    throw guardError(table.name, `it has no column ${unknown}`, 'Name its own columns')
  const led = (column: string) =>
    scope.onlyTenant === undefined ? ['tenant_id', column] : [column]
  const usual = (
    [
      ['created_at', 'created'],
      ['updated_at', 'updated'],
      ['is_active', 'active'],
    ] as const
  ).filter(([column]) => has(column))
  return [
    { name: indexName(table.name, 'tenant_id'), columns: ['tenant_id'] },
    ...usual.map(([column, suffix]) => ({
      name: indexName(table.name, `tenant_${suffix}`),
      columns: led(column),
    })),
    ...columns.map((column) => ({
      name: indexName(table.name, `tenant_${column}`),
      columns: led(column),
    })),
  ]
}

/** @throws WatertightError WATERTIGHT_GUARD when another index has its name. */
export function hasIndex(table: GuardedTable, { name, columns }: WantedIndex): boolean {
  const found = table.indexes.find((index) => index.name === name)
  if (found === undefined) return false
  if (found.columns.join() !== columns.join() || found.isPartial) {
    const some = found.isPartial ? ' of some rows' : ''
    throw guardError(
      table.name,
      `${name} is on (${columnsIn(found)})${some} instead of (${columns.join(', ')})`,
      'Drop or rename it in the migration',
    )
  }
  if (!found.isValid)
    throw guardError(table.name, `${name} is invalid`, 'Drop it: a build of it was interrupted')
  return true
}

/**
 * A key without the tenant (an exclusion constraint is one) tells one tenant that another has the value, and stops it
 * from having the same.
 */
export function refuseKeysWithoutTenant(table: GuardedTable, { onlyTenant }: GuardScope): void {
  if (onlyTenant !== undefined) return
  const bad = table.indexes.find(({ isUnique, isOfTenant }) => isUnique && !isOfTenant)
  if (bad === undefined) return
  if (bad.columns.includes('tenant_id')) {
    throw guardError(
      table.name,
      `the key ${bad.name} compares tenant_id by another operator than =`,
      'Make it tenant_id WITH =',
    )
  }
  throw guardError(
    table.name,
    `the key ${bad.name} (${columnsIn(bad)}) does not contain tenant_id`,
    `Make it (tenant_id, ${columnsIn(bad)})`,
  )
}

function columnsIn({ columns }: GuardedIndex): string {
  return columns.map((column) => column ?? 'an expression').join(', ')
}
