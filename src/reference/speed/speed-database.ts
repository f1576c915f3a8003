/** One database with the same rows in every variant, because a fair comparison runs on one backend. */

import { setTimeout as sleep } from 'node:timers/promises'
import { createKeysSql, createTablesSql, updatedAtSql } from '../../dotmac/models/ddl.ts'
import { tablesOf } from '../../dotmac/models/index.ts'
import type { TableModel } from '../../dotmac/models/model.ts'
import {
  hardenedFunctionsSql,
  hardenedTableSql,
  seedFunctionsSql,
  seedTableSql,
} from '../../dotmac/policies.ts'
import type { RoleNames } from '../../model/roles.ts'
import { roleSql } from '../../dotmac/roles.ts'
import { WatertightError } from '../../errors.ts'
import type { Tenant } from '../../model/tenant.ts'
import { identifier, literal, qualified } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'

/** Schemas of the variants that share their tables among tenants; the others are copies of the first. */
export const speedSchemas = {
  plain: 'speed_plain',
  hardened: 'speed_hardened',
  'as-written': 'speed_as_written',
} as const
export type SharedVariant = keyof typeof speedSchemas
export type IsolatingTitle = Exclude<SharedVariant, 'plain'> | 'schema-per-tenant'

export interface SpeedDatabaseOptions {
  readonly tenants: readonly Tenant[]
  readonly roles: RoleNames
  /** Rows of isp_customers over all tenants, at least 60 each; isp_analytics_usage gets an eighth of it. */
  readonly rows: number
  /** What is built beside the plain tables. Default: everything. */
  readonly variants?: readonly IsolatingTitle[]
}

/** Rows of the smallest tenant: more than a page of the list, and than the rows that point reads rotate over. */
const tenantRowsMin = 60
/** Plans need no more: the table is never timed, its partitions and indexes are only asked for. */
const usageShare = 1 / 8

/** Builds everything in an empty database; needs a superuser's session that is not pipelined. */
export async function buildSpeedDatabase(
  admin: Session,
  options: SpeedDatabaseOptions,
): Promise<void> {
  const { roles, variants = ['hardened', 'as-written', 'schema-per-tenant'] } = options
  const tables = speedTables()
  // VACUUM leaves out rows whose commit, or a later one of the same group of transactions, is not flushed yet.
  await admin.query('SET synchronous_commit = on')
  const tenants = variants.includes('schema-per-tenant') ? options.tenants : []
  const shared = (Object.keys(speedSchemas) as SharedVariant[]).filter(
    (variant) => variant === 'plain' || variants.includes(variant),
  )
  for (const variant of shared) {
    const schema = speedSchemas[variant]
    const ddl = { keys: 'tenant' as const, schemaOf: () => schema }
    await script(admin, [
      `CREATE SCHEMA ${schema};
GRANT USAGE ON SCHEMA ${schema} TO ${identifier(roles.app)}, ${identifier(roles.owner)};`,
      createTablesSql(tables, ddl),
      ...tables.map((table) =>
        variant === 'plain' ? fillSql(table, options) : copySql(table, schema),
      ),
      createKeysSql(tables, ddl),
      updatedAtSql(tables, ddl),
      accessSql(variant, tables, roles),
    ])
  }
  for (const tenant of tenants) await script(admin, tenantSql(tenant, tables, roles))
  await admin.query(withoutAutovacuumSql)
  const schemas = [
    ...shared.map((variant) => speedSchemas[variant]),
    ...tenants.map(({ schema }) => schema),
  ]
  await vacuumAll(
    admin,
    schemas.flatMap((schema) => tables.map((table) => qualified({ schema, name: table.name }))),
  )
}

/** Somebody else's autovacuum may hold the horizon back for a while. */
const vacuumPauses = [0, 500, 1_000, 2_000, 4_000]

/** Pages that are not known to be visible to all forbid index-only scans: one variant would pay for its VACUUM. */
async function vacuumAll(admin: Session, tables: readonly string[]): Promise<void> {
  let left: unknown = null
  for (const pauseMs of vacuumPauses) {
    await sleep(pauseMs)
    await admin.query(`VACUUM (ANALYZE) ${tables.join(', ')}`)
    const [row] = await admin.query(`SELECT oid::regclass::text AS name FROM pg_catalog.pg_class
      WHERE oid = ANY (ARRAY[${tables.map(literal).join(', ')}]::regclass[]) AND relallvisible < relpages LIMIT 1`)
    if (row === undefined) return
    left = row['name']
  }
  throw new WatertightError(
    'WATERTIGHT_UNFAIR',
    `VACUUM left pages of ${String(left)} that are not visible to all`,
    {
      hint: 'Something on the server keeps old rows alive: look for long transactions and replication slots',
      exitCode: 3,
    },
  )
}

/** Only what is asked for, without references: the other tables would cost time and show nothing. */
function speedTables(): readonly TableModel[] {
  return tablesOf('isp')
    .filter(({ name }) => ['isp_customers', 'isp_analytics_usage'].includes(name))
    .map((table) => ({ ...table, references: [] }))
}

/** It would clean up after one variant while another is timed. */
const withoutAutovacuumSql = `DO $watertight$ DECLARE relation regclass; BEGIN
  FOR relation IN SELECT c.oid::regclass FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema)' LOOP
    EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', relation);
  END LOOP;
END $watertight$`

function copySql(table: TableModel, schema: string): string {
  return `INSERT INTO ${schema}.${table.name} SELECT * FROM ${speedSchemas.plain}.${table.name};`
}

function accessSql(
  variant: SharedVariant,
  tables: readonly TableModel[],
  roles: RoleNames,
): string {
  const options = { schema: speedSchemas[variant], roles }
  if (variant === 'hardened') {
    return [
      hardenedFunctionsSql(options),
      ...tables.map((table) => hardenedTableSql(table, options)),
    ].join('\n')
  }
  if (variant === 'as-written') {
    return [seedFunctionsSql(options), ...tables.map((table) => seedTableSql(table, options))].join(
      '\n',
    )
  }
  return tables
    .map(
      (table) =>
        `GRANT ${table.privileges.join(', ')} ON ${options.schema}.${table.name} TO ${identifier(roles.app)};`,
    )
    .join('\n')
}

function tenantSql(
  tenant: Tenant,
  tables: readonly TableModel[],
  roles: RoleNames,
): readonly string[] {
  const ddl = { keys: 'tenant' as const, schemaOf: () => tenant.schema, onlyTenant: tenant.id }
  const [schema, role] = [identifier(tenant.schema), identifier(tenant.role)]
  return [
    roleSql(tenant.role, 'NOLOGIN'),
    `GRANT ${role} TO ${identifier(roles.app)};
CREATE SCHEMA ${schema}; GRANT USAGE ON SCHEMA ${schema} TO ${role};`,
    createTablesSql(tables, ddl),
    ...tables.map(
      (table) => `INSERT INTO ${schema}.${table.name}
SELECT * FROM ${speedSchemas.plain}.${table.name} WHERE tenant_id = ${literal(tenant.id)};`,
    ),
    createKeysSql(tables, ddl),
    updatedAtSql(tables, ddl),
    ...tables.map(
      (table) => `GRANT ${table.privileges.join(', ')} ON ${schema}.${table.name} TO ${role};`,
    ),
  ]
}

/**
 * Sizes fall with the root of the tenant's position, and rows lie as they would have arrived: those of
 * all tenants mixed, each tenant's spread over the whole table. In tenant order, a tenant's rows would
 * fill pages of their own, as no shared table does. Values follow from the row's number alone.
 */
function fillSql(table: TableModel, { tenants, rows }: SpeedDatabaseOptions): string {
  const weights = tenants.map((_, index) => 1 / Math.sqrt(index + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const wanted = table.name === 'isp_customers' ? rows : rows * usageShare
  const sizes = weights.map((weight) =>
    Math.max(tenantRowsMin, Math.round((wanted * weight) / total)),
  )
  const shares = tenants
    .map(
      (tenant, index) =>
        `(${literal(tenant.id)}, ${sizes[index] ?? tenantRowsMin}, ${tenant.ordinal})`,
    )
    .join(', ')
  const after = (seconds: string) =>
    `TIMESTAMPTZ '2024-01-01 00:00Z' + (${seconds}) * INTERVAL '1 second'`
  const arrived = 'floor(63072000.0 * g / t.size)'
  const common = `md5('${table.name} ' || t.n || ' ' || g)::uuid, t.id, ${after(arrived)},
  ${after(`${arrived} + (g::bigint * 104729) % 2592000`)}, g % 10 <> 0`
  const own =
    table.name === 'isp_customers'
      ? `'Customer ' || g, 'customer.' || t.n || '.' || g || '@example.net', '+351 ' || g, g || ' Harbour Road',
  'Lisbon', '1000', 'PT', (ARRAY['active','active','active','suspended','closed'])[1 + g % 5], NULL`
      : `${after(arrived)}, g * 1000, g * 100, 'core-' || g || '.example.net'`
  return `INSERT INTO ${speedSchemas.plain}.${table.name}
SELECT ${common}, ${own}
FROM (VALUES ${shares}) t (id, size, n), LATERAL generate_series(1, t.size) g ORDER BY g::float8 / t.size, t.n;`
}

async function script(admin: Session, parts: readonly string[]): Promise<void> {
  await admin.query(`BEGIN;\n${parts.join('\n')}\nCOMMIT;`)
}
