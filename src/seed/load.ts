/** Loads the planned rows into an installed database, in foreign-key order. */

import { columnsOf, type TableModel } from '../dotmac/models/model.ts'
import { copyRows } from '../postgres/copy.ts'
import { identifier } from '../postgres/identifier.ts'
import type { Session } from '../postgres/session.ts'
import type { Tenancy } from '../tenancy/tenancy.ts'
import type { PlannedTenant, SeedPlan } from './plan.ts'
import { sharedRows, tenantRows, type SeedRow } from './rows.ts'

export interface LoadOptions {
  readonly plan: SeedPlan
  readonly tables: readonly TableModel[]
  readonly tenancy: Tenancy
}

/**
 * COPY, with triggers and foreign-key checks off (session_replication_role): the rows are consistent
 * by construction, and seeding is not what the audit trail is for. Needs a superuser's session that
 * is not pipelined. Returns the number of rows.
 */
export async function loadRows(session: Session, { plan, tables, tenancy }: LoadOptions): Promise<number> {
  await session.query('BEGIN')
  await session.query('SET LOCAL session_replication_role = replica')
  let rows = 0
  for (const table of tables) {
    for (const { schema, source } of sourcesOf(table, { plan, tables, tenancy })) {
      rows += await copyRows(session, {
        relation: `${identifier(schema)}.${identifier(table.name)}`,
        columns: columnsOf(table).map((column) => column.name), rows: source,
      })
    }
  }
  await session.query('COMMIT')
  return rows
}

interface Source { readonly schema: string; readonly source: Iterable<SeedRow> }

/** One COPY per schema: tenants that share a table come in one stream. */
function sourcesOf(table: TableModel, { plan, tables, tenancy }: LoadOptions): readonly Source[] {
  const bySchema = new Map<string, PlannedTenant[]>()
  for (const tenant of plan.plannedTenants) {
    const schema = tenancy.schemaOf(table, tenant)
    bySchema.set(schema, [...(bySchema.get(schema) ?? []), tenant])
  }
  return [...bySchema].map(([schema, tenants]) => ({
    schema,
    source: table.placement === 'shared' ? sharedRows(table, plan) : rowsOfAll(table, tenants, { plan, tables }),
  }))
}

function* rowsOfAll(
  table: TableModel, tenants: readonly PlannedTenant[], scope: Pick<LoadOptions, 'plan' | 'tables'>,
): Generator<SeedRow> {
  for (const tenant of tenants) yield* tenantRows(table, { ...scope, tenant })
}
