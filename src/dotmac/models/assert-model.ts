/** Refuses, when it is declared, a model from which PostgreSQL would make something else, or nothing. */

import { WatertightError } from '../../errors.ts'
import { columnsOf, isTenantAware, type TableModel } from './model.ts'
import { indexesOf, partitionNames, sequencesOf } from './names.ts'

const bytesMax = 63
const partitionsMax = 1024

/** @throws WatertightError WATERTIGHT_MODEL. */
export function assertModel(table: TableModel): void {
  const columns = columnsOf(table).map(({ name }) => name)
  const relations = [
    table.name,
    ...indexesOf(table).map(({ name }) => name),
    ...partitionNames(table),
    ...sequencesOf(table),
  ]
  const constraints = [
    `${table.name}_pkey`,
    `${table.name}_only_tenant`,
    `${table.name}_tenant_id_check`,
    `fk_${table.name}_tenant`,
    ...table.references.map(({ column }) => `fk_${table.name}_${column}`),
  ]
  assertPartitions(table)
  for (const name of [...columns, ...relations, ...constraints]) assertName(table, name)
  assertDistinct(table, columns, 'the column')
  assertDistinct(table, relations, 'a table, index or sequence called')
  assertDistinct(table, constraints, 'the constraint')
  for (const each of table.indexes ?? []) assertComposite(table, each.columns)
  if (isTenantAware(table)) {
    const missing = ['id', 'tenant_id'].find((name) => !columns.includes(name))
    if (missing !== undefined)
      throw refused(table, `it has no ${missing}`, 'Declare it with a mixin that has it')
  } else if (columns.includes('tenant_id') || table.columns.length === 0) {
    throw refused(
      table,
      'shared reference data has columns of its own, its key first, and no tenant_id',
      'Declare rows of tenants with ispModel or managementModel, placed with their tenant',
    )
  }
  if (table.privileges.length === 0)
    throw refused(table, 'nobody may do anything', "Give ['SELECT'] at least")
}

/** PostgreSQL cuts longer names without an error, and two that were cut may be one. */
function assertName(table: TableModel, name: string): void {
  if (name === '' || name.includes('\0') || !name.isWellFormed()) {
    throw refused(
      table,
      `${JSON.stringify(name)} is no name`,
      'Give it 1 to 63 bytes of valid Unicode',
    )
  }
  if (Buffer.byteLength(name) <= bytesMax) return
  throw refused(
    table,
    `the name ${name} is longer than ${bytesMax} bytes`,
    'Shorten the table or the column',
  )
}

function assertDistinct(table: TableModel, names: readonly string[], what: string): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw refused(table, `it has ${what} ${twice} twice`, 'Mixins bring columns and indexes along')
}

function assertComposite(table: TableModel, columns: readonly string[]): void {
  const own = columnsOf(table)
    .map(({ name }) => name)
    .filter((name) => name !== 'tenant_id')
  const isWrong =
    columns.length === 0 ||
    columns.some((name, index) => !own.includes(name) || columns.indexOf(name) !== index)
  if (!isWrong && isTenantAware(table)) return
  throw refused(
    table,
    `an index of (${columns.join(', ')}) cannot be made`,
    'Name columns of the table once each; tenant_id is put in front, so reference data has none',
  )
}

function assertPartitions(table: TableModel): void {
  const { hashPartitions: count } = table
  if (count === undefined || (Number.isInteger(count) && count >= 1 && count <= partitionsMax))
    return
  throw refused(
    table,
    `${count} is no number of partitions`,
    `Give a whole number from 1 to ${partitionsMax}`,
  )
}

function refused(table: TableModel, sentence: string, hint: string): WatertightError {
  const name = JSON.stringify(table.name)
  return new WatertightError('WATERTIGHT_MODEL', `The model ${name} is refused: ${sentence}`, {
    hint,
  })
}
