/** One database with the same rows in every variant, because a fair comparison runs on one backend. */

import { createKeysSql, createTablesSql } from '../dotmac/models/ddl.ts'
import { tablesOf } from '../dotmac/models/index.ts'
import type { TableModel } from '../dotmac/models/model.ts'
import {
  hardenedFunctionsSql,
  hardenedTableSql,
  seedFunctionsSql,
  seedTableSql,
} from '../dotmac/policies.ts'
import type { RoleNames } from '../dotmac/roles.ts'
import type { Tenant } from '../model/tenant.ts'
import { identifier, literal } from '../postgres/identifier.ts'
import type { Session } from '../postgres/session.ts'

/** Schemas of the variants that share their tables among tenants. */
export const speedSchemas = {
  plain: 'speed_plain',
  hardened: 'speed_hardened',
  'as-written': 'speed_as_written',
} as const
export type SharedVariant = keyof typeof speedSchemas

export interface SpeedDatabaseOptions {
  readonly tenants: readonly Tenant[]
  readonly roles: RoleNames
  /** Rows of isp_customers over all tenants; isp_analytics_usage gets as many. */
  readonly rows: number
}

/** Builds everything in an empty database; needs a superuser's session that is not pipelined. */
export async function buildSpeedDatabase(admin: Session, options: SpeedDatabaseOptions): Promise<void> {
  const { tenants, roles } = options
  const tables = speedTables()
  for (const [variant, schema] of Object.entries(speedSchemas)) {
    const ddl = { keys: 'tenant' as const, schemaOf: () => schema }
    await script(admin, [
      `CREATE SCHEMA ${schema}; GRANT USAGE ON SCHEMA ${schema} TO ${identifier(roles.app)}, ${identifier(roles.owner)};`,
      createTablesSql(tables, ddl),
    ])
    for (const table of tables) {
      await script(admin, [
        variant === 'plain'
          ? fillSql(table, options)
          : `INSERT INTO ${schema}.${table.name} SELECT * FROM ${speedSchemas.plain}.${table.name};`,
      ])
    }
    await script(admin, [createKeysSql(tables, ddl), accessSql(variant as SharedVariant, tables, roles)])
  }
  for (const tenant of tenants) await script(admin, tenantSql(tenant, tables, roles))
  await admin.query('VACUUM (ANALYZE)')
}

/** Only what is measured, without references: the other tables would cost time and show nothing. */
export function speedTables(): readonly TableModel[] {
  return tablesOf('isp')
    .filter(({ name }) => ['isp_customers', 'isp_analytics_usage'].includes(name))
    .map((table) => ({ ...table, references: [] }))
}

function accessSql(variant: SharedVariant, tables: readonly TableModel[], roles: RoleNames): string {
  const options = { schema: speedSchemas[variant], roles }
  if (variant === 'hardened')
    return [hardenedFunctionsSql(options), ...tables.map((table) => hardenedTableSql(table, options))].join(
      '\n',
    )
  if (variant === 'as-written')
    return [seedFunctionsSql(options), ...tables.map((table) => seedTableSql(table, options))].join('\n')
  return tables
    .map(
      (table) =>
        `GRANT ${table.privileges.join(', ')} ON ${options.schema}.${table.name} TO ${identifier(roles.app)};`,
    )
    .join('\n')
}

function tenantSql(tenant: Tenant, tables: readonly TableModel[], roles: RoleNames): readonly string[] {
  const ddl = { keys: 'tenant' as const, schemaOf: () => tenant.schema, onlyTenant: tenant.id }
  const [schema, role] = [identifier(tenant.schema), identifier(tenant.role)]
  return [
    `DO $watertight$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${literal(tenant.role)}) THEN
      EXECUTE ${literal(`CREATE ROLE ${role} NOLOGIN`)}; END IF; END $watertight$;
GRANT ${role} TO ${identifier(roles.app)};
CREATE SCHEMA ${schema}; GRANT USAGE ON SCHEMA ${schema} TO ${role};`,
    createTablesSql(tables, ddl),
    ...tables.map(
      (table) =>
        `INSERT INTO ${schema}.${table.name} SELECT * FROM ${speedSchemas.plain}.${table.name} WHERE tenant_id = ${literal(tenant.id)};`,
    ),
    createKeysSql(tables, ddl),
    ...tables.map((table) => `GRANT ${table.privileges.join(', ')} ON ${schema}.${table.name} TO ${role};`),
  ]
}

/** Tenants in turns of 1/sqrt(n), so that sizes are skewed; values follow from the row number alone. */
function fillSql(table: TableModel, { tenants, rows }: SpeedDatabaseOptions): string {
  const weights = tenants.map((_, index) => 1 / Math.sqrt(index + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const counts = weights.map((weight) => Math.max(60, Math.round((rows * weight) / total)))
  const shares = tenants
    .map((tenant, index) => `(${literal(tenant.id)}, ${counts[index] ?? 0}, ${index})`)
    .join(', ')
  const at = (sql: string) => `TIMESTAMPTZ '2024-01-01 00:00Z' + (${sql}) * INTERVAL '1 second'`
  const common = `md5('${table.name} ' || t.n || ' ' || g)::uuid, t.id, ${at('(g::bigint * 7919) % 63072000')}, ${at('(g::bigint * 104729) % 63072000')}, g % 10 <> 0`
  const own =
    table.name === 'isp_customers'
      ? `'Customer ' || g, 'customer.' || t.n || '.' || g || '@example.net', '+351 ' || g, g || ' Harbour Road', 'Lisbon', '1000', 'PT',
       (ARRAY['active','active','active','suspended','closed'])[1 + g % 5], NULL`
      : `${at('g * 60')}, g * 1000, g * 100, 'core-' || g || '.example.net'`
  return `INSERT INTO ${speedSchemas.plain}.${table.name}
SELECT ${common}, ${own} FROM (VALUES ${shares}) t (id, size, n), LATERAL generate_series(1, t.size) g;`
}

async function script(admin: Session, parts: readonly string[]): Promise<void> {
  await admin.query(`BEGIN;\n${parts.join('\n')}\nCOMMIT;`)
}
