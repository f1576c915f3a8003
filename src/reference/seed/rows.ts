/** The rows of one table for one tenant, one after the other: nothing is held in memory. */

import { columnsOf, type ColumnModel, type TableModel } from '../../dotmac/models/model.ts'
import { WatertightError } from '../../errors.ts'
import { rowsPlanned, type PlannedTenant, type SeedPlan } from './plan.ts'
import { uuidPlanter } from './planted-uuid.ts'
import { hash32, mix32, Random } from './random.ts'
import { inventValue, momentsOf, type ValueContext } from './values.ts'

export type SeedRow = readonly (string | null)[]

export interface RowScope {
  readonly plan: SeedPlan
  readonly tables: readonly TableModel[]
  readonly tenant: PlannedTenant
}

/** Fills whose text a canary replaces; values that must keep a format stay as they are. */
const canaryFills: ReadonlySet<unknown> = new Set([
  'person',
  'company',
  'sentence',
  'serial',
  'reference',
  'hostname',
  'email',
])
/** One in so many values of a nullable column is null; a canary's never is. */
const nullEvery = 5

/** Values in the order of columnsOf. Row 0 is the canary: no row refers to it, so it can be deleted. */
export function* tenantRows(table: TableModel, scope: RowScope): Generator<SeedRow> {
  const writers = columnsOf(table).map((column) => writerOf(column, table, scope))
  const key = hash32(`${scope.plan.seed} ${scope.tenant.tag} ${table.name}`)
  const rows = rowsPlanned(scope.plan, table, { size: scope.tenant.size, tables: scope.tables })
  for (let row = 0; row < rows; row += 1) {
    const random = new Random(mix32(row ^ key))
    const context = { tenant: scope.tenant, random, row, moment: momentsOf(random) }
    yield writers.map((write) => write(context))
  }
}

/** Reference data: one row for each code, and nobody's mark. */
export function* sharedRows(table: TableModel, plan: SeedPlan): Generator<SeedRow> {
  const [code] = table.columns
  if (code === undefined || typeof code.fill !== 'object') {
    throw modelError(
      `The shared table ${table.name} does not begin with a column that lists its codes`,
    )
  }
  for (const [row, value] of code.fill.oneOf.entries()) {
    const random = new Random(hash32(`${plan.seed} ${table.name} ${row}`))
    yield table.columns.map((column) =>
      column === code
        ? value
        : column.fill === 'money'
          ? `${10 + random.below(90)}.00`
          : `Plan or region ${value}`,
    )
  }
}

/** Unique in the database: the tenant's watermark and the table. */
export function canaryText(tenant: PlannedTenant, table: TableModel): string {
  return `canary-${tenant.watermark}-${table.name}`
}

type Writer = (context: ValueContext) => string | null

/** Everything that is the same for all rows is worked out here, once. */
function writerOf(column: ColumnModel, table: TableModel, scope: RowScope): Writer {
  const {
    plan: { seed },
    tenant,
  } = scope
  if (column.name === 'id') {
    const idOf = uuidPlanter({ seed, tag: tenant.tag, table: table.name })
    return ({ row }) => idOf(row)
  }
  if (column.name === 'tenant_id') return () => tenant.id
  // Every row is alive: a row that queries leave out by its date would weaken what they prove.
  if (column.name === 'deleted_at') return () => null
  const reference = table.references.find((each) => each.column === column.name)
  if (reference !== undefined) return referenceWriter(reference.table, scope)
  return valueWriter(column, canaryText(tenant, table))
}

function valueWriter({ fill = 'sentence', notNull }: ColumnModel, canary: string): Writer {
  const planted =
    fill === 'json' ? JSON.stringify({ note: canary }) : canaryFills.has(fill) ? canary : null
  return (context) => {
    if (context.row === 0) return planted ?? inventValue(fill, context)
    return notNull === false && context.random.below(nullEvery) === 0
      ? null
      : inventValue(fill, context)
  }
}

function referenceWriter(name: string, { plan, tables, tenant }: RowScope): Writer {
  const parent = tables.find((table) => table.name === name)
  if (parent === undefined)
    throw modelError(`${name} is referenced and is no table of this database`)
  const idOf = uuidPlanter({ seed: plan.seed, tag: tenant.tag, table: name })
  const ordinary = rowsPlanned(plan, parent, { size: tenant.size, tables }) - 1
  return ({ random }) => idOf(1 + random.below(ordinary))
}

function modelError(sentence: string): WatertightError {
  return new WatertightError('WATERTIGHT_BAD_MODEL', sentence, {
    hint: 'Correct the table model',
    exitCode: 70,
  })
}
