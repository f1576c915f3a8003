/** tenantScopeQuery of the seed: statements that name the tenant themselves, for databases without row security too. */

import { WatertightError } from '../errors.ts'
import { identifier } from '../sql/identifier.ts'
import { columnsOf, isTenantAware, type TableModel } from './models/model.ts'
import { tenantNames } from './tenant-names.ts'

export interface ScopedStatement {
  readonly text: string
  readonly values: readonly unknown[]
}

export interface Selection {
  /** Columns that must have these values; all of them (AND). Null asks for IS NULL. */
  readonly where?: Readonly<Record<string, string | number | boolean | null>>
  /** Default all of the model. */
  readonly columns?: readonly string[]
  /** Rows after this one, in the order of (orderBy, id). */
  readonly after?: { readonly value: string; readonly id: string }
  /** Default created_at; newest first. */
  readonly orderBy?: string
  /** From 1 to 1,000, default 50. */
  readonly limit?: number
}

export interface TenantScope {
  /** SELECT of the tenant's rows. */
  select(selection?: Selection): ScopedStatement
  /** INSERT of a row of the tenant's; returns it. */
  insert(row: Readonly<Record<string, unknown>>): ScopedStatement
  /** UPDATE of one of the tenant's rows; returns it. tenant_id and id cannot be set. */
  update(id: string, row: Readonly<Record<string, unknown>>): ScopedStatement
  /** DELETE of one of the tenant's rows; returns its id. */
  delete(id: string): ScopedStatement
}

/**
 * Statements on a tenant-aware table; tenant_id = $1 stands in each of them, in front of what the caller adds by AND.
 * Values are parameters, names are columns of the model, so that neither can widen it.
 * @throws WatertightError WATERTIGHT_TENANT_NAME, WATERTIGHT_NOT_TENANT_AWARE, WATERTIGHT_NO_COLUMN,
 *   WATERTIGHT_BAD_LIMIT.
 */
export function tenantScopeQuery(table: TableModel, tenantId: string): TenantScope {
  tenantNames(tenantId)
  if (!isTenantAware(table)) {
    throw new WatertightError(
      'WATERTIGHT_NOT_TENANT_AWARE',
      `The rows of ${table.name} belong to no tenant`,
      { hint: 'Read reference data without a scope' },
    )
  }
  const name = identifier(table.name)
  const all = columnsOf(table).map((column) => column.name)
  const named = (column: string) => {
    if (all.includes(column)) return identifier(column)
    throw new WatertightError(
      'WATERTIGHT_NO_COLUMN',
      `${table.name} has no column ${JSON.stringify(column)}`,
      { hint: `Its columns are ${all.join(', ')}` },
    )
  }
  const returning = all.map(identifier).join(', ')
  return {
    select: (selection = {}) => selected({ name, named, all, tenantId }, selection),
    insert: (row) => {
      const columns = ownColumns(row)
      const places = columns.map((_, index) => `$${index + 2}`)
      return {
        text:
          `INSERT INTO ${name} (${['tenant_id', ...columns.map(named)].join(', ')}) ` +
          `VALUES (${['$1', ...places].join(', ')}) RETURNING ${returning}`,
        values: [tenantId, ...columns.map((column) => row[column])],
      }
    },
    update: (id, row) => {
      const columns = ownColumns(row).filter((column) => column !== 'id')
      if (columns.length === 0) {
        throw new WatertightError('WATERTIGHT_NO_COLUMN', `No column of ${table.name} is set`, {
          hint: 'tenant_id and id cannot be; name another column',
        })
      }
      const set = columns.map((column, index) => `${named(column)} = $${index + 3}`)
      return {
        text: `UPDATE ${name} SET ${set.join(', ')} WHERE tenant_id = $1 AND id = $2 RETURNING ${returning}`,
        values: [tenantId, id, ...columns.map((column) => row[column])],
      }
    },
    delete: (id) => ({
      text: `DELETE FROM ${name} WHERE tenant_id = $1 AND id = $2 RETURNING id`,
      values: [tenantId, id],
    }),
  }
}

/** The scope itself says whose row it is. */
function ownColumns(row: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(row).filter((column) => column !== 'tenant_id')
}

interface Named {
  readonly name: string
  readonly named: (column: string) => string
  readonly all: readonly string[]
  readonly tenantId: string
}

function selected({ name, named, all, tenantId }: Named, selection: Selection): ScopedStatement {
  const { where = {}, columns = all, after, orderBy = 'created_at', limit = 50 } = selection
  const unset = Object.keys(where).find((column) => where[column] === undefined)
  if (columns.length === 0 || unset !== undefined) {
    throw new WatertightError(
      'WATERTIGHT_NO_COLUMN',
      unset === undefined
        ? `No column of ${name} is asked for`
        : `The value of ${JSON.stringify(unset)} is not given`,
      { hint: 'Name columns, and give values; null asks for IS NULL' },
    )
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
    throw new WatertightError(
      'WATERTIGHT_BAD_LIMIT',
      `A limit of ${limit} rows is not from 1 to 1,000`,
      { hint: 'Page through the rows with `after`' },
    )
  }
  const values: unknown[] = [tenantId]
  const place = (value: unknown) => `$${values.push(value)}`
  const conditions = Object.entries(where).map(([column, value]) =>
    value === null ? `${named(column)} IS NULL` : `${named(column)} = ${place(value)}`,
  )
  const order = named(orderBy)
  const page =
    after === undefined ? [] : [`(${order}, id) < (${place(after.value)}, ${place(after.id)})`]
  return {
    text:
      `SELECT ${columns.map(named).join(', ')} FROM ${name} ` +
      `WHERE ${['tenant_id = $1', ...conditions, ...page].join(' AND ')} ` +
      `ORDER BY ${order} DESC, id DESC LIMIT ${limit}`,
    values,
  }
}
