/** Tables as resources: lists with a cursor, single rows, and writes of the columns that a caller may set. */

import type { StrategySession } from '../../model/context-strategy.ts'
import { tablesOf } from '../models/index.ts'
import type { TableModel } from '../models/model.ts'
import { tenantScopeQuery, type ScopedStatement } from '../tenant-scope-query.ts'
import { badRequest, notFound } from './problem.ts'

type Row = Readonly<Record<string, unknown>>

export interface Change {
  readonly id: string
  readonly body: Row
}

export interface Resource {
  readonly path: string
  readonly table: TableModel
  /** Columns that a caller may set; none for what only the platform writes. */
  readonly writable: readonly string[]
  /** Rows that a request names: what a refusal of it was aimed at. */
  aim(id: string | undefined, body: Row): string | null
  list(
    session: StrategySession,
    tenantId: string,
    query: Readonly<Record<string, string>>,
  ): Promise<object>
  get(session: StrategySession, tenantId: string, id: string): Promise<object>
  create(session: StrategySession, tenantId: string, body: Row): Promise<object>
  update(session: StrategySession, tenantId: string, change: Change): Promise<object>
  remove(session: StrategySession, tenantId: string, id: string): Promise<object>
}

export const resources: readonly Resource[] = [
  resourceOf('customers', 'isp_customers', true),
  resourceOf('services', 'isp_services', true),
  resourceOf('invoices', 'isp_billing_invoices', false),
]

/** Under these names a body may repeat its tenant; it was compared with the token before. */
const tenantNames = ['tenant_id', 'tenant', 'tenantId', 'tenant-id']
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function resourceOf(path: string, name: string, isWritable: boolean): Resource {
  const table = tablesOf('isp').find((each) => each.name === name)
  if (table === undefined) throw new Error(`there is no table ${name}`)
  const columns = [
    ...table.columns.map((column) => column.name),
    ...table.references.map(({ column }) => column),
  ]
  const scope = (tenantId: string) => tenantScopeQuery(table, tenantId)
  const one = async (session: StrategySession, { text, values }: ScopedStatement) => {
    const [row] = (await session.query(text, values)).rows
    if (row === undefined) throw notFound()
    return row
  }
  const checked = (id: string) => {
    if (!uuid.test(id)) throw notFound()
    return id
  }
  return {
    path,
    table,
    writable: isWritable ? columns : [],
    aim: (id, body) => {
      const named = [id, ...table.references.map(({ column }) => body[column])].filter(
        (each) => typeof each === 'string',
      )
      return named.length === 0 ? null : named.join(' ')
    },
    list: async (session, tenantId, query) => {
      const limit = query['limit'] === undefined ? 50 : Number(query['limit'])
      const after = cursorOf(query['cursor'])
      const { text, values } = scope(tenantId).select({
        limit,
        ...(after === null ? {} : { after }),
      })
      const { rows } = await session.query(text, values)
      const last = rows.length === limit ? rows.at(-1) : undefined
      return { items: rows, next: last === undefined ? null : cursorFrom(last) }
    },
    get: (session, tenantId, id) =>
      one(session, scope(tenantId).select({ where: { id: checked(id) }, limit: 1 })),
    create: (session, tenantId, body) =>
      one(session, scope(tenantId).insert(writable(columns, body))),
    update: (session, tenantId, { id, body }) => {
      const row = writable(columns, body)
      if (Object.keys(row).length === 0) throw badRequest('The body changes nothing')
      return one(session, scope(tenantId).update(checked(id), row))
    },
    remove: (session, tenantId, id) => one(session, scope(tenantId).delete(checked(id))),
  }
}

/** The tenant may be repeated, everything else must be a column that callers set. */
function writable(columns: readonly string[], body: Row): Row {
  const entries = Object.entries(body).filter(([name]) => !tenantNames.includes(name))
  const bad = entries.find(
    ([name, value]) =>
      !columns.includes(name) ||
      !['string', 'number', 'boolean'].includes(value === null ? 'string' : typeof value) ||
      (typeof value === 'string' && !value.isWellFormed()),
  )
  if (bad !== undefined)
    throw badRequest(`${JSON.stringify(bad[0].slice(0, 60))} cannot be set to that`)
  return Object.fromEntries(entries)
}

function cursorFrom(row: Row): string {
  return Buffer.from(JSON.stringify([row['created_at'], row['id']]), 'utf8').toString('base64url')
}

function cursorOf(
  text: string | undefined,
): { readonly value: string; readonly id: string } | null {
  if (text === undefined) return null
  try {
    const [value, id] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown[]
    if (typeof value === 'string' && typeof id === 'string' && uuid.test(id)) return { value, id }
  } catch {
    // Falls through: a cursor that was not made here.
  }
  throw badRequest('The cursor is not one of this service')
}
