/** Guards of a migration: the lines that call them, and the proof that no table went without. */

import { randomBytes } from 'node:crypto'
import { WatertightError } from '../../errors.ts'
import { literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import { ensureTenantColumn } from '../guards/ensure-tenant-column.ts'
import { ensureTenantIndexes } from '../guards/ensure-tenant-indexes.ts'
import { guardError, type GuardReport, type GuardScope } from '../guards/guarded-table.ts'
import { opened, unguarded, validateTenantIsolation } from '../guards/validate-tenant-isolation.ts'
import { refuseSharedWrites } from '../guards/shared-table.ts'
import { sharedSchema } from '../schema-manager.ts'
import { openRoles } from './opened-roles.ts'
import { openedViews, rememberViews, type OpenedView } from './opened-views.ts'
import { rememberTables, touchedTables, type TouchedTable } from './remembered-tables.ts'
import { bringBack, stateOf } from './session-state.ts'

export interface GuardedMigration {
  /** File name, for errors. */
  readonly migration: string
  readonly script: string
  /** Where unqualified guards look, in this order. */
  readonly schemas: readonly string[]
  readonly scope: Omit<GuardScope, 'schema'>
  /** False lets tables without guards pass (REQUIRE_TENANT_COLUMN). Default true. */
  readonly requireTenantColumn?: boolean
}

/** A guard of rows that have a tenant. */
function isOfTenants({ guard }: Call): boolean {
  return !['sharedTable', 'platformTable'].includes(guard)
}

interface Call {
  readonly guard: string
  /** Null: the first of the place's schemas that has the table. */
  readonly schema: string | null
  readonly table: string
  readonly columns: readonly string[]
}

/**
 * Runs the script and then its guards, in the caller's transaction.
 * @throws WatertightError WATERTIGHT_GUARD, also when the script makes a table that no guard validated, or leaves one
 *   that was isolated open.
 */
export async function runGuarded(
  session: Session,
  guarded: GuardedMigration,
): Promise<readonly GuardReport[]> {
  const calls = callsIn(guarded)
  await rememberTables(session, guarded)
  await rememberViews(session)
  const openBefore = await openRoles(session, guarded)
  const before = await stateOf(session)
  await session.query(withoutEndSql(guarded.script))
  await bringBack(session, before)
  const reports: GuardReport[] = []
  const validated = new Set<string>()
  for (const call of calls) {
    const found = await tableOf(session, call, guarded.schemas)
    const schema = found?.schema ?? call.schema ?? guarded.schemas[0] ?? 'public'
    if (
      guarded.scope.onlyTenant !== undefined &&
      isOfTenants(call) &&
      !guarded.schemas.includes(schema)
    ) {
      throw guardError(
        call.table,
        `its schema ${schema} is not that of the tenant`,
        'Make it in "@schema@"',
      )
    }
    reports.push(await run(session, call, { ...guarded.scope, schema }))
    if (found !== null && !call.guard.startsWith('ensure')) validated.add(found.oid)
  }
  const touched = (await touchedTables(session, guarded)).filter(({ oid }) => !validated.has(oid))
  const [view] = await openedViews(session, guarded)
  if (guarded.requireTenantColumn !== false) {
    await refuseOpened(session, touched, guarded)
    if (view !== undefined) throw openedView(view, guarded.migration)
    const ways = [...(await openRoles(session, guarded))].filter((each) => !openBefore.has(each))
    if (ways.length > 0) throw openedRoles(ways, guarded.migration)
  }
  return reports.filter(({ did }) => did.length > 0)
}

/** A new table wants guards; one that was there may be changed, and must be as the guards would leave it. */
async function refuseOpened(
  session: Session,
  touched: readonly TouchedTable[],
  guarded: GuardedMigration,
): Promise<void> {
  const made = touched.find(({ isNew }) => isNew)
  if (made !== undefined) throw unguarded(made.name, guarded.migration)
  for (const table of new Map(touched.map((each) => [each.oid, each])).values()) {
    const reason = await openedBy(session, table, guarded)
    if (reason !== null) throw opened(table.name, guarded.migration, reason)
  }
}

/** Why a table that a migration changed is open now; null when it is not. */
async function openedBy(
  session: Session,
  { schema, table, ...was }: TouchedTable,
  { schemas, scope }: GuardedMigration,
): Promise<string | null> {
  try {
    if (was.hadTenant && (was.wasSecured || scope.onlyTenant !== undefined)) {
      const { did } = await validateTenantIsolation(session, table, { ...scope, schema })
      return did.length === 0 ? null : `a guard had to put back what it took (${did.join(', ')})`
    }
    if (was.hadTenant && !schemas.includes(schema))
      return "its rows are tenants', and its schema is not this one's"
    const readers = was.wasRead || schema === sharedSchema ? 'everybody' : 'nobody'
    await refuseSharedWrites(session, table, { ...scope, schema, readers })
    return null
  } catch (error) {
    if (error instanceof WatertightError) return error.message
    throw error
  }
}

function openedRoles(ways: readonly string[], migration: string): WatertightError {
  const all = ways.join('; ')
  return new WatertightError(
    'WATERTIGHT_GUARD',
    `Migration ${migration} goes around the isolation: ${all}`,
    {
      hint: 'Take that out: roles and schemas are set up once, by the operator, and no tenant gets more by a migration',
    },
  )
}

function openedView({ name, reason }: OpenedView, migration: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_GUARD',
    `Migration ${migration} makes the view ${name}: ${reason}`,
    {
      hint:
        'Make it WITH (security_invoker = true), from PostgreSQL 15 on, or give it to the owner of the tables; ' +
        'a materialized view is read through a view that filters, or by the reporting role',
    },
  )
}

/**
 * The script as one statement of ours: a COMMIT or ROLLBACK in it is refused there (0A000), and would otherwise end
 * the transaction that its version and its guards belong to.
 * https://www.postgresql.org/docs/current/plpgsql-statements.html#PLPGSQL-STATEMENTS-EXECUTING-DYN
 */
function withoutEndSql(script: string): string {
  const quote = `$migration_${randomBytes(8).toString('hex')}$`
  return `DO ${quote} BEGIN EXECUTE ${literal(script)}; END ${quote}`
}

async function run(
  session: Session,
  { guard, table, columns }: Call,
  scope: GuardScope,
): Promise<GuardReport> {
  switch (guard) {
    case 'ensureTenantColumn':
      return ensureTenantColumn(session, table, scope)
    case 'ensureTenantIndexes':
      return ensureTenantIndexes(session, table, { scope, columns })
    case 'validateTenantIsolation':
      return validateTenantIsolation(session, table, scope)
    case 'sharedTable':
      return refuseSharedWrites(session, table, { ...scope, readers: 'everybody' })
    case 'platformTable':
      return refuseSharedWrites(session, table, { ...scope, readers: 'nobody' })
    default:
      throw guardError(
        table,
        `there is no guard ${guard}`,
        'Guards are ensureTenantColumn, ' +
          'ensureTenantIndexes, validateTenantIsolation, sharedTable and platformTable',
      )
  }
}

/** Names as SQL writes them: folded to lower case, or within double quotes. */
const name = '(?:\\w+|"(?:[^"]|"")+")'
const guardLine = new RegExp(
  `^-- guard: (\\w+)\\((?:(${name})\\.)?(${name})((?:, ${name})*)\\)\\s*$`,
)

/** A guard line that is written wrongly must not be taken for a comment. */
function callsIn({ script, migration }: GuardedMigration): readonly Call[] {
  return script
    .split('\n')
    .filter((line) => /^\s*--\s*guard\b/i.test(line))
    .map((line): Call => {
      const [, guard, schema, table, columns] = guardLine.exec(line) ?? []
      if (guard !== undefined && table !== undefined) {
        const further = columns?.match(new RegExp(name, 'g')) ?? []
        return {
          guard,
          schema: schema === undefined ? null : unquoted(schema),
          table: unquoted(table),
          columns: further.map(unquoted),
        }
      }
      throw new WatertightError(
        'WATERTIGHT_GUARD',
        `Migration ${migration} has a guard that cannot be read: ${line}`,
        {
          hint: 'Write it as -- guard: ensureTenantIndexes(table, column), with "quotes" where SQL needs them',
        },
      )
    })
}

function unquoted(written: string): string {
  return written.startsWith('"')
    ? written.slice(1, -1).replaceAll('""', '"')
    : written.toLowerCase()
}

async function tableOf(
  session: Session,
  { schema, table }: Call,
  schemas: readonly string[],
): Promise<{ readonly schema: string; readonly oid: string } | null> {
  for (const each of schema === null ? schemas : [schema]) {
    const [row] = await session.query(`SELECT c.oid::text AS oid FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = ${literal(each)} AND c.relname = ${literal(table)} AND c.relkind IN ('r', 'p', 'f')`)
    if (row !== undefined) return { schema: each, oid: String(row['oid']) }
  }
  return null
}
