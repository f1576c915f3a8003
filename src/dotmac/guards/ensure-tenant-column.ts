/** The guard of the tenant column: every row of a tenant-aware table says whose it is. */

import type { Session } from '../../postgres/session/session.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import {
  doing,
  guardError,
  isTrue,
  readTable,
  type GuardedColumn,
  type GuardedTable,
  type GuardReport,
  type GuardScope,
} from './guarded-table.ts'

/** A default that is the same for everybody. The server prints it without E and without doubled backslashes. */
const constant = /^'((?:[^']|'')*)'::[\w ()]+$/
const typesAllowed = /^(text|character varying(\(\d+\))?)$/

/**
 * Adds what is missing of `tenant_id varchar(255) NOT NULL CHECK (tenant_id <> '')`; in a tenant's own schema
 * also the default and the check that keep other tenants' ids out. Runs in the caller's transaction.
 * @throws WatertightError WATERTIGHT_GUARD when the column has another type, or rows without an owner.
 */
export async function ensureTenantColumn(
  session: Session,
  name: string,
  scope: GuardScope,
): Promise<GuardReport> {
  const table = await readTable(session, name, scope)
  const column = table.columns.find((each) => each.name === 'tenant_id')
  const added =
    column === undefined
      ? await addColumn(session, table, scope)
      : await completeColumn(session, table, { column, scope })
  const checks = await ensureChecks(session, table, scope)
  return { table: name, did: [...added, ...checks] }
}

async function addColumn(
  session: Session,
  table: GuardedTable,
  scope: GuardScope,
): Promise<readonly string[]> {
  const [row] = await session.query(`SELECT EXISTS (SELECT FROM ${table.address}) AS filled`)
  const { onlyTenant } = scope
  if (row !== undefined && isTrue(row, 'filled') && onlyTenant === undefined) {
    throw guardError(
      table.name,
      'it has rows, and nobody knows whose they are',
      'Add tenant_id in the migration, fill it for every row, then call ensureTenantColumn',
    )
  }
  const fallback = onlyTenant === undefined ? '' : ` DEFAULT ${literal(onlyTenant.id)}`
  return doing(session, [
    {
      sql: `ALTER TABLE ${table.address} ADD COLUMN tenant_id varchar(255) NOT NULL${fallback}`,
      did: 'added tenant_id',
    },
  ])
}

async function completeColumn(
  session: Session,
  table: GuardedTable,
  { column: { notNull }, scope }: { readonly column: GuardedColumn; readonly scope: GuardScope },
): Promise<readonly string[]> {
  refuseColumn(table, scope)
  const [row] = await session.query(`SELECT count(*) AS orphans FROM ${table.address}
    WHERE tenant_id IS NULL OR tenant_id = ''`)
  if (row?.['orphans'] !== '0') {
    throw guardError(
      table.name,
      `${String(row?.['orphans'])} rows have no tenant`,
      'Say whose they are',
    )
  }
  return notNull
    ? []
    : doing(session, [
        {
          sql: `ALTER TABLE ${table.address} ALTER COLUMN tenant_id SET NOT NULL`,
          did: 'made tenant_id NOT NULL',
        },
      ])
}

/**
 * What no ALTER of ours may change: its type, how its values are compared, and whose a row is that does not say it.
 * @throws WatertightError WATERTIGHT_GUARD.
 */
export function refuseColumn(table: GuardedTable, { onlyTenant }: GuardScope): void {
  const column = table.columns.find(({ name }) => name === 'tenant_id')
  if (column === undefined)
    throw guardError(table.name, 'it has no tenant_id', 'Call ensureTenantColumn before')
  if (!typesAllowed.test(column.type)) {
    throw guardError(
      table.name,
      `tenant_id is ${column.type}, and tenants are named by text`,
      'Make it varchar(255)',
    )
  }
  const [, tenant] = constant.exec(column.fallback ?? '') ?? []
  if (tenant !== undefined && tenant.replaceAll("''", "'") !== onlyTenant?.id) {
    throw guardError(
      table.name,
      `tenant_id is ${column.fallback ?? ''} where a row does not say it`,
      "Take the default away: such a row is nobody's",
    )
  }
  if (column.isExact) return
  throw guardError(
    table.name,
    'tenant_id has a collation that takes different tenants for one',
    'Leave out COLLATE, or name a deterministic collation',
  )
}

interface Check {
  readonly name: string
  readonly condition: string
  readonly did: string
}

/**
 * The checks of the tenant column that the table lacks, by what they say and not by their names.
 * @throws WatertightError WATERTIGHT_GUARD when one of their names says something else, or was never validated.
 */
export async function missingChecks(
  session: Session,
  table: GuardedTable,
  { onlyTenant }: GuardScope,
): Promise<readonly Check[]> {
  const wanted: readonly Check[] = [
    {
      name: `${table.name}_tenant_id_check`,
      condition: "tenant_id <> ''",
      did: 'forbade the empty tenant_id',
    },
    ...(onlyTenant === undefined
      ? []
      : [
          {
            name: `${table.name}_only_tenant`,
            condition: `tenant_id = ${literal(onlyTenant.id)}`,
            did: `forbade every tenant_id but ${onlyTenant.id}`,
          },
        ]),
  ]
  const rows = await session.query(`SELECT conname AS name,
      replace(pg_get_constraintdef(oid), '(tenant_id)::text', 'tenant_id') AS says
    FROM pg_catalog.pg_constraint WHERE conrelid = ${table.oid} AND contype = 'c'`)
  const asStored = (condition: string) => `CHECK ((${condition}::text))`
  // The server prints a literal without E and without doubled backslashes.
  const only = `tenant_id = '${onlyTenant?.id.replaceAll("'", "''") ?? ''}'`
  const missing = wanted.filter(
    ({ condition }) =>
      !rows.some(
        ({ says }) => says === asStored(condition.startsWith('tenant_id =') ? only : condition),
      ),
  )
  const taken = rows.find((row) => missing.some(({ name }) => name === row['name']))
  if (taken === undefined) return missing
  throw guardError(
    table.name,
    `its constraint ${String(taken['name'])} says ${String(taken['says'])}`,
    'Drop or rename it in the migration',
  )
}

async function ensureChecks(
  session: Session,
  table: GuardedTable,
  scope: GuardScope,
): Promise<readonly string[]> {
  const missing = await missingChecks(session, table, scope)
  const checks = await doing(
    session,
    missing.map(({ name, condition, did }) => ({
      sql: `ALTER TABLE ${table.address} ADD CONSTRAINT ${identifier(name)} CHECK (${condition})`,
      did,
    })),
  )
  const { onlyTenant } = scope
  if (onlyTenant === undefined) return checks
  const [fallback] = await session.query(`SELECT pg_get_expr(d.adbin, d.adrelid) AS expression
    FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = ${table.oid} AND a.attname = 'tenant_id'`)
  if (typeof fallback?.['expression'] === 'string') return checks
  return [
    ...checks,
    ...(await doing(session, [
      {
        sql: `ALTER TABLE ${table.address} ALTER COLUMN tenant_id SET DEFAULT ${literal(onlyTenant.id)}`,
        did: 'gave tenant_id its default',
      },
    ])),
  ]
}
