/** Which tables hold a tenant's rows, with their live columns: the backup must not forget one. */

import { createHash } from 'node:crypto'
import { WatertightError } from '../../errors.ts'
import type { Service, TenancyName } from '../../model/tenancy.ts'
import { identifier, literal, qualified } from '../../postgres/identifier.ts'
import type { Session } from '../../postgres/session.ts'
import { isTenantAware, type TableModel } from '../models/model.ts'
import { tablesOf } from '../models/index.ts'
import { schemaOfTable } from '../schema-manager.ts'
import { tenantNames } from '../tenant-names.ts'
import type { ColumnEntry } from './manifest.ts'

export interface TenantTable {
  readonly model: TableModel
  readonly schema: string
  /** Qualified and quoted. */
  readonly address: string
  readonly columns: readonly ColumnEntry[]
}

export interface TenantPlace {
  readonly tenancy: TenancyName
  readonly tenant: string
  /** Schema of the tenant under schema-per-tenant, null elsewhere. */
  readonly tenantSchema: string | null
}

export interface CountAndHash { readonly rows: number; readonly contentHash: string }

export function schemaOf(model: TableModel, { tenancy, tenantSchema }: TenantPlace): string {
  return tenancy === 'row-level-security' ? 'public' : schemaOfTable(model, { schema: tenantSchema ?? '' })
}

/**
 * The tables of one database in foreign-key order.
 * @throws WatertightError WATERTIGHT_BACKUP_INCOMPLETE when a table of the model is missing, or one with a
 *   tenant_id column is in no model: its rows would silently stay out.
 */
export async function tenantTables(
  session: Session, service: Service, place: TenantPlace,
): Promise<readonly TenantTable[]> {
  const models = tablesOf(service).filter(isTenantAware)
  const schemas = [...new Set(models.map((model) => schemaOf(model, place)))]
  const columns = await liveColumns(session, schemas)
  const tables = models.map((model): TenantTable => {
    const schema = schemaOf(model, place)
    const found = columns.get(`${schema}.${model.name}`)
    if (found === undefined) throw incomplete(`table ${schema}.${model.name} of the ${service} model does not exist`)
    return { model, schema, address: qualified({ schema, name: model.name }), columns: found }
  })
  const known = new Set(tables.map(({ schema, model }) => `${schema}.${model.name}`))
  const unknown = [...columns].find(([name, entries]) =>
    !known.has(name) && entries.some((column) => column.name === 'tenant_id'))
  if (unknown !== undefined) {
    throw incomplete(`table ${unknown[0]} has a tenant_id column and is in no ${service} model`)
  }
  return tables
}

/** SQL condition for the tenant's rows of any of its tables. */
export function ofTenant(place: TenantPlace): string {
  return `tenant_id = ${literal(place.tenant)}`
}

/** One fingerprint over the names and types of all columns. */
export function schemaVersionOf(tables: readonly TenantTable[]): string {
  const shape = tables.map(({ model, columns }) => [model.name, columns.map(({ name, type }) => [name, type])])
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 16)
}

/** Rows of the relation that satisfy the condition, and a hash that does not depend on their order. */
export async function countAndHash(
  session: Session, from: string, options: CountedRows,
): Promise<CountAndHash> {
  const [answer] = await session.query(countAndHashSql(from, options))
  return { rows: Number(answer?.['n']), contentHash: String(answer?.['hash']) }
}

export interface CountedRows { readonly columns: readonly ColumnEntry[]; readonly where?: string }

/** One row: n and hash. */
export function countAndHashSql(from: string, { columns, where = 'true' }: CountedRows): string {
  const row = `ROW(${columns.map(({ name }) => `t.${identifier(name)}`).join(', ')})::text`
  // OFFSET 0 keeps the text of a row from being made once for each hash.
  return `SELECT count(*) AS n,
    coalesce(sum(hashtextextended(whole, 0)::numeric), 0) || '/' ||
    coalesce(sum(hashtextextended(whole, 42)::numeric), 0) AS hash
    FROM (SELECT ${row} AS whole FROM ${from} t WHERE ${where} OFFSET 0) s`
}

/**
 * Schema of the tenant: what the tenants table says, else what its id gives.
 * Null under row-level security. @throws WatertightError WATERTIGHT_TENANT_NAME.
 */
export async function tenantSchemaOf(
  management: Session, tenancy: TenancyName, tenant: string,
): Promise<string | null> {
  const { schema } = tenantNames(tenant)
  if (tenancy === 'row-level-security') return null
  const [row] = await management.query(
    `SELECT schema_name FROM dotmac_control.tenants WHERE tenant_id = ${literal(tenant)}`)
  return typeof row?.['schema_name'] === 'string' ? row['schema_name'] : schema
}

async function liveColumns(
  session: Session, schemas: readonly string[],
): Promise<ReadonlyMap<string, readonly ColumnEntry[]>> {
  const rows = await session.query(`SELECT n.nspname AS schema, c.relname AS table, a.attname AS name,
      format_type(a.atttypid, a.atttypmod) AS type
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    WHERE n.nspname IN (${schemas.map(literal).join(', ')}) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY 1, 2, a.attnum`)
  const columns = new Map<string, ColumnEntry[]>()
  for (const row of rows) {
    const key = `${String(row['schema'])}.${String(row['table'])}`
    const entries = columns.get(key) ?? []
    columns.set(key, [...entries, { name: String(row['name']), type: String(row['type']) }])
  }
  return columns
}

function incomplete(what: string): WatertightError {
  return new WatertightError('WATERTIGHT_BACKUP_INCOMPLETE', `A backup would not be whole: ${what}`,
    { hint: 'Migrate the platform, or declare the table in src/dotmac/models' })
}
