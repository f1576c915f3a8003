/** Which tables hold a tenant's rows, with their live columns: the backup must not forget one. */

import { createHash } from 'node:crypto'
import { WatertightError } from '../../errors.ts'
import type { Service, TenancyName } from '../../model/tenancy.ts'
import { identifier, literal, qualified } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import { isTenantAware, type Placement, type TableModel } from '../models/model.ts'
import { tablesOf } from '../models/index.ts'
import { versionsSchema } from '../migrations/remembered-tables.ts'
import { controlSchema, schemaOfTable } from '../schema-manager.ts'
import { tenantNames } from '../tenant-names.ts'
import type { ColumnEntry } from './manifest.ts'

export interface TenantTable {
  readonly name: string
  /** `control`: one row per tenant. */
  readonly placement: Exclude<Placement, 'shared'>
  readonly schema: string
  /** Qualified and quoted. */
  readonly address: string
  readonly columns: readonly ColumnEntry[]
  /** SQL condition for the tenant's rows of it. */
  readonly where: string
}

export interface TenantPlace {
  readonly tenancy: TenancyName
  readonly tenant: string
  /** Schema of the tenant under schema-per-tenant, null elsewhere. */
  readonly tenantSchema: string | null
}

export interface CountAndHash {
  readonly rows: number
  readonly contentHash: string
}

export function schemaOf(model: TableModel, { tenancy, tenantSchema }: TenantPlace): string {
  return tenancy === 'row-level-security'
    ? 'public'
    : schemaOfTable(model, { schema: tenantSchema ?? '' })
}

/**
 * The tables of one database in foreign-key order: those of the models, and what later migrations added. Under
 * row-level security a table is a tenant's by its tenant_id column, in a tenant's own schema every table is.
 * @throws WatertightError WATERTIGHT_BACKUP_INCOMPLETE when a table of the model is missing, or the tenant has rows
 *   where the platform keeps none: they would silently stay out.
 */
export async function tenantTables(
  session: Session,
  service: Service,
  place: TenantPlace,
): Promise<readonly TenantTable[]> {
  const models = new Map(
    tablesOf(service)
      .filter(isTenantAware)
      .map((model) => [`${schemaOf(model, place)}.${model.name}`, model]),
  )
  const live = await liveTables(session, place)
  const missing = [...models.keys()].find(
    (name) => !live.some((each) => `${each.schema}.${each.name}` === name),
  )
  if (missing !== undefined)
    throw incomplete(`table ${missing} of the ${service} model does not exist`)
  const own = live.filter(({ isOwn, hasTenant }) => isOwn || hasTenant)
  const tables = own
    .filter(({ isKept }) => isKept)
    .map(({ schema, name, columns, hasTenant }): TenantTable => ({
      name,
      schema,
      columns,
      placement: models.get(`${schema}.${name}`)?.placement === 'control' ? 'control' : 'tenant',
      address: qualified({ schema, name }),
      where: hasTenant ? ofTenant(place) : 'true',
    }))
  for (const { schema, name } of own.filter(({ isKept }) => !isKept)) {
    const address = qualified({ schema, name })
    const rows = await session.query(`SELECT 1 FROM ${address} WHERE ${ofTenant(place)} LIMIT 1`)
    if (rows.length > 0)
      throw incomplete(
        `table ${address} of ${service} is in no schema of the platform and has rows`,
      )
  }
  return await inKeyOrder(session, tables)
}

/** SQL condition for the tenant's rows of any table with a tenant_id. */
export function ofTenant(place: TenantPlace): string {
  return `tenant_id = ${literal(place.tenant)}`
}

/** One fingerprint over the names and types of all columns. */
export function schemaVersionOf(tables: readonly TenantTable[]): string {
  const shape = tables.map(({ name, columns }) => [
    name,
    columns.map((each) => [each.name, each.type]),
  ])
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 16)
}

/** Rows of the relation that satisfy the condition, and a hash that does not depend on their order. */
export async function countAndHash(
  session: Session,
  from: string,
  options: CountedRows,
): Promise<CountAndHash> {
  const [answer] = await session.query(countAndHashSql(from, options))
  return { rows: Number(answer?.['n']), contentHash: String(answer?.['hash']) }
}

export interface CountedRows {
  readonly columns: readonly ColumnEntry[]
  readonly where?: string
}

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
  management: Session,
  tenancy: TenancyName,
  tenant: string,
): Promise<string | null> {
  const { schema } = tenantNames(tenant)
  if (tenancy === 'row-level-security') return null
  const [row] = await management.query(
    `SELECT schema_name FROM dotmac_control.tenants WHERE tenant_id = ${literal(tenant)}`,
  )
  return typeof row?.['schema_name'] === 'string' ? row['schema_name'] : schema
}

interface LiveTable {
  readonly schema: string
  readonly name: string
  readonly columns: readonly ColumnEntry[]
  /** It stands in a schema of the platform that a backup of this tenant looks into. */
  readonly isKept: boolean
  /** Whoever put rows into it, they are this tenant's. */
  readonly isOwn: boolean
  readonly hasTenant: boolean
}

/** All tables but those in other tenants' schemas. */
async function liveTables(
  session: Session,
  { tenancy, tenantSchema }: TenantPlace,
): Promise<readonly LiveTable[]> {
  const shared = tenancy === 'row-level-security'
  const kept = shared ? ['public'] : [tenantSchema ?? '', controlSchema]
  const rows = await session.query(`SELECT n.nspname AS schema, c.relname AS name,
      json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
        FILTER (WHERE a.attgenerated = '') AS columns,
      coalesce(bool_or(a.attname = 'tenant_id'), false) AS tenant
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND n.nspname !~ '^(pg_|information_schema$|${versionsSchema}$)'
      AND (n.nspname IN (${kept.map(literal).join(', ')})
        OR coalesce(obj_description(n.oid, 'pg_namespace'), '') NOT LIKE 'tenant %')
    GROUP BY 1, 2 ORDER BY 1, 2`)
  return rows.map((row) => ({
    schema: String(row['schema']),
    name: String(row['name']),
    isKept: kept.includes(String(row['schema'])),
    isOwn: !shared && row['schema'] === tenantSchema,
    hasTenant: row['tenant'] === 't',
    columns: row['columns'] === null ? [] : (JSON.parse(String(row['columns'])) as ColumnEntry[]),
  }))
}

/** Parents before their children; the order of a cycle's tables does not matter, as none does for it. */
async function inKeyOrder(
  session: Session,
  tables: readonly TenantTable[],
): Promise<readonly TenantTable[]> {
  const rows =
    await session.query(`SELECT n.nspname AS schema, c.relname AS name, m.nspname AS other,
      p.relname AS parent
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace m ON m.oid = p.relnamespace
    WHERE k.contype = 'f' AND n.nspname IN (${[...new Set(tables.map(({ schema }) => literal(schema)))].join(', ')})`)
  const named = new Map(tables.map((table) => [table.address, table]))
  const ordered = new Set<TenantTable>()
  const visited = new Set<TenantTable>()
  const visit = (table: TenantTable) => {
    if (visited.has(table)) return
    visited.add(table)
    const ofTable = rows.filter(
      ({ schema, name }) => schema === table.schema && name === table.name,
    )
    for (const { other, parent } of ofTable) {
      const found = named.get(qualified({ schema: String(other), name: String(parent) }))
      if (found !== undefined) visit(found)
    }
    ordered.add(table)
  }
  for (const table of tables) visit(table)
  return [...ordered]
}

function incomplete(what: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_BACKUP_INCOMPLETE',
    `A backup would not be whole: ${what}`,
    { hint: "Migrate the platform; tables with tenants' rows belong into its own schemas" },
  )
}
