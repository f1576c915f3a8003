/** Loads the planned rows into an installed database, in foreign-key order. */

import { columnsOf, type TableModel } from '../../dotmac/models/model.ts'
import { messageOf, WatertightError } from '../../errors.ts'
import type { Tenant, TenantId } from '../../model/tenant.ts'
import { copyRows } from '../../postgres/session/copy.ts'
import { qualified } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { PlannedTenant, SeedPlan } from './plan.ts'
import { sharedRows, tenantRows, type SeedRow } from './rows.ts'

export interface LoadOptions {
  readonly plan: SeedPlan
  /** In foreign-key order. */
  readonly tables: readonly TableModel[]
  /** Says which schema holds a table's rows of one tenant. */
  readonly tenancy: { schemaOf(table: TableModel, tenant: Tenant): string }
}

export interface SeedCounts {
  readonly rows: number
  /** Rows by table name, reference data among them. */
  readonly byTable: ReadonlyMap<string, number>
  /** Rows by table name, for each tenant. */
  readonly byTenant: ReadonlyMap<TenantId, ReadonlyMap<string, number>>
}

/** As loadWorld, for those who need no more than the number of rows. */
export async function loadRows(session: Session, options: LoadOptions): Promise<number> {
  return (await loadWorld(session, options)).rows
}

/**
 * COPY, with triggers and foreign-key checks off (session_replication_role): the rows are consistent
 * by construction, and seeding is not what the audit trail is for. One transaction: all rows or none.
 * Needs a superuser's session that is not pipelined.
 * @throws WatertightError WATERTIGHT_SEED_FAILED, also when the server stored another number of rows
 *   than it was sent: ownership of rows that are not there would prove nothing.
 */
export async function loadWorld(session: Session, options: LoadOptions): Promise<SeedCounts> {
  const tally = {
    byTable: new Map<string, number>(),
    byTenant: new Map<TenantId, Map<string, number>>(),
  }
  await session.query('BEGIN')
  try {
    await session.query('SET LOCAL session_replication_role = replica')
    for (const table of options.tables) await loadTable(session, table, { ...options, ...tally })
    await session.query('COMMIT')
  } catch (error) {
    // Where the connection is lost there is nothing to roll back, and the first error says why.
    await session.query('ROLLBACK').catch(() => undefined)
    throw error
  }
  return { ...tally, rows: [...tally.byTable.values()].reduce((sum, rows) => sum + rows, 0) }
}

interface Loading extends LoadOptions {
  readonly byTable: Map<string, number>
  readonly byTenant: Map<TenantId, Map<string, number>>
}

/** One COPY per schema: tenants that share a table come in one stream. */
async function loadTable(session: Session, table: TableModel, loading: Loading): Promise<void> {
  for (const [schema, tenants] of tenantsBySchema(table, loading)) {
    let sent = 0
    const counted = (tenant: PlannedTenant | null): void => {
      sent += 1
      if (tenant === null) return
      const counts = loading.byTenant.get(tenant.id) ?? new Map<string, number>()
      loading.byTenant.set(tenant.id, counts.set(table.name, (counts.get(table.name) ?? 0) + 1))
    }
    const relation = qualified({ schema, name: table.name })
    const stored = await copyRows(session, {
      relation,
      columns: columnsOf(table).map((column) => column.name),
      rows: rowsOf(table, tenants, { ...loading, counted }),
    }).catch((error: unknown) => {
      throw loadError(relation, messageOf(error), error)
    })
    if (stored !== sent) throw loadError(relation, `${stored} of ${sent} rows were stored`)
    loading.byTable.set(table.name, (loading.byTable.get(table.name) ?? 0) + stored)
  }
}

function tenantsBySchema(
  table: TableModel,
  { plan, tenancy }: LoadOptions,
): ReadonlyMap<string, PlannedTenant[]> {
  const bySchema = new Map<string, PlannedTenant[]>()
  for (const tenant of plan.plannedTenants) {
    const schema = tenancy.schemaOf(table, tenant)
    const tenants = bySchema.get(schema)
    if (tenants === undefined) bySchema.set(schema, [tenant])
    else tenants.push(tenant)
  }
  return bySchema
}

interface RowsScope extends Pick<LoadOptions, 'plan' | 'tables'> {
  readonly counted: (tenant: PlannedTenant | null) => void
}

function* rowsOf(
  table: TableModel,
  tenants: readonly PlannedTenant[],
  scope: RowsScope,
): Generator<SeedRow> {
  if (table.placement === 'shared') {
    for (const row of sharedRows(table, scope.plan)) {
      scope.counted(null)
      yield row
    }
    return
  }
  for (const tenant of tenants) {
    for (const row of tenantRows(table, { ...scope, tenant })) {
      scope.counted(tenant)
      yield row
    }
  }
}

function loadError(relation: string, what: string, cause?: unknown): WatertightError {
  return new WatertightError('WATERTIGHT_SEED_FAILED', `Seeding ${relation} failed: ${what}`, {
    hint: 'Seed into an empty, freshly installed database, as a superuser, with disk space to spare',
    cause,
  })
}
