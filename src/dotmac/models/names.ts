/** What a table's indexes, partitions and sequences are called. */

import { columnsOf, isTenantAware, type TableModel } from './model.ts'

export interface IndexModel {
  readonly name: string
  readonly columns: readonly string[]
  readonly unique: boolean
}

/** Indexes of a table as the seed's mixins create them: tenant_id always first. */
export function indexesOf(table: TableModel): readonly IndexModel[] {
  if (!isTenantAware(table)) return []
  const has = (name: string) => columnsOf(table).some((column) => column.name === name)
  const index = (suffix: string, columns: string[], unique = false): IndexModel => ({
    name: `idx_${table.name}_${suffix}`,
    columns,
    unique,
  })
  return [
    index('tenant_id', ['tenant_id']),
    ...(has('created_at') ? [index('tenant_created', ['tenant_id', 'created_at'])] : []),
    ...(has('updated_at') ? [index('tenant_updated', ['tenant_id', 'updated_at'])] : []),
    ...(has('is_active') ? [index('tenant_active', ['tenant_id', 'is_active'])] : []),
    ...table.references.map(({ column }) => index(`tenant_${column}`, ['tenant_id', column])),
    ...table.columns
      .filter((column) => column.indexed === true)
      .map((column) => index(`tenant_${column.name}`, ['tenant_id', column.name])),
    ...table.columns
      .filter((column) => column.unique === true)
      .map((column) => index(`tenant_${column.name}_unique`, ['tenant_id', column.name], true)),
    ...(table.indexes ?? []).map(({ columns, unique = false }) =>
      index(
        ['tenant', ...columns, ...(unique ? ['unique'] : [])].join('_'),
        ['tenant_id', ...columns],
        unique,
      ),
    ),
  ]
}

/** Empty when the table is not partitioned. */
export function partitionNames(table: TableModel): readonly string[] {
  return Array.from({ length: table.hashPartitions ?? 0 }, (_, index) => `${table.name}_p${index}`)
}

/** Sequences that the table's defaults draw from. */
export function sequencesOf(table: TableModel): readonly string[] {
  return table.columns.flatMap((column) => column.default?.match(/^nextval\('(\w+)'\)$/)?.[1] ?? [])
}
