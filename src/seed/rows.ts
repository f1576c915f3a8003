/** The rows of one table for one tenant, one after the other: nothing is held in memory. */

import { columnsOf, type ColumnModel, type TableModel } from '../dotmac/models/model.ts'
import { rowsPlanned, type PlannedTenant, type SeedPlan } from './plan.ts'
import { hash32, Random } from './random.ts'
import { inventValue, plantedUuid } from './values.ts'

export type SeedRow = readonly (string | null)[]

/** Fills whose text a canary replaces; values that must keep a format stay as they are. */
const canaryFills: ReadonlySet<unknown> = new Set(['person', 'company', 'sentence', 'serial', 'hostname', 'email'])

export interface RowScope {
  readonly plan: SeedPlan
  readonly tables: readonly TableModel[]
  readonly tenant: PlannedTenant
}

/** Row 0 is the canary: nothing refers to it where the parent has other rows, so it can be deleted. */
export function* tenantRows(table: TableModel, scope: RowScope): Generator<SeedRow> {
  const columns = columnsOf(table)
  const rows = rowsPlanned(scope.plan, table, { size: scope.tenant.size, tables: scope.tables })
  for (let row = 0; row < rows; row += 1) {
    const random = new Random(hash32(`${scope.plan.seed} ${scope.tenant.tag} ${table.name} ${row}`))
    yield columns.map((column) => valueOf(column, table, { ...scope, random, row }))
  }
}

/** Reference data: one row for each code. */
export function* sharedRows(table: TableModel, plan: SeedPlan): Generator<SeedRow> {
  const [code] = table.columns
  if (code === undefined || typeof code.fill !== 'object') throw new Error(`${table.name} has no list of codes`)
  for (const [row, value] of code.fill.oneOf.entries()) {
    const random = new Random(hash32(`${plan.seed} ${table.name} ${row}`))
    yield table.columns.map((column) => column === code ? value
      : column.fill === 'money' ? `${10 + random.below(90)}.00` : `Plan or region ${value}`)
  }
}

/** Unique in the database: the tenant's watermark and the table. */
export function canaryText(tenant: PlannedTenant, table: TableModel): string {
  return `canary-${tenant.watermark}-${table.name}`
}

interface Place extends RowScope { readonly random: Random; readonly row: number }

function valueOf(column: ColumnModel, table: TableModel, place: Place): string | null {
  const { plan, tenant, random, row } = place
  if (column.name === 'id') return plantedUuid(tenant.tag, plan.seed, { table: table.name, row })
  if (column.name === 'tenant_id') return tenant.id
  const reference = table.references.find((each) => each.column === column.name)
  if (reference !== undefined) return referenceTo(reference.table, place)
  if (column.name === 'deleted_at') return null
  const canary = canaryText(tenant, table)
  if (row === 0 && column.fill === 'json') return JSON.stringify({ note: canary })
  if (row === 0 && canaryFills.has(column.fill)) return canary
  if (column.notNull === false && random.below(5) === 0) return null
  return inventValue(column.fill, { tenant, random, row, canary })
}

function referenceTo(name: string, { plan, tables, tenant, random }: Place): string {
  const parent = tables.find((table) => table.name === name)
  if (parent === undefined) throw new Error(`${name} is no table of this database`)
  const rows = rowsPlanned(plan, parent, { size: tenant.size, tables })
  return plantedUuid(tenant.tag, plan.seed, { table: name, row: 1 + random.below(rows - 1) })
}
