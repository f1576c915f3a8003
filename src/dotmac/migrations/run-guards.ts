/** Guards of a migration: the lines that call them, and the proof that no table went without. */

import { WatertightError } from '../../errors.ts'
import { literal } from '../../postgres/identifier.ts'
import type { Session } from '../../postgres/session.ts'
import { ensureTenantColumn } from '../guards/ensure-tenant-column.ts'
import { ensureTenantIndexes } from '../guards/ensure-tenant-indexes.ts'
import { guardError, type GuardReport, type GuardScope } from '../guards/guarded-table.ts'
import { unguarded, validateTenantIsolation } from '../guards/validate-tenant-isolation.ts'
import { refuseSharedWrites } from '../guards/shared-table.ts'

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

interface Call {
  readonly guard: string
  readonly table: string
  readonly columns: readonly string[]
}

/**
 * Runs the script and then its guards, in the caller's transaction.
 * @throws WatertightError WATERTIGHT_GUARD, also when the script makes a table that no guard validated.
 */
export async function runGuarded(session: Session, guarded: GuardedMigration): Promise<readonly GuardReport[]> {
  const before = new Set((await tables(session)).map(({ oid }) => oid))
  await session.query(guarded.script)
  const after = await tables(session)
  const calls = callsIn(guarded)
  const reports: GuardReport[] = []
  for (const call of calls) {
    const isThere = (schema: string) => after.some((each) => each.schema === schema && each.name === call.table)
    const schema = guarded.schemas.find(isThere) ?? guarded.schemas[0] ?? 'public'
    reports.push(await run(session, call, { ...guarded.scope, schema }))
  }
  const closing = new Set(calls.filter(({ guard }) => !guard.startsWith('ensure')).map(({ table }) => table))
  const open = after.find(({ oid, name }) => !before.has(oid) && !closing.has(name))
  if (open !== undefined && guarded.requireTenantColumn !== false) throw unguarded(open.name, guarded.migration)
  return reports.filter(({ did }) => did.length > 0)
}

async function run(session: Session, { guard, table, columns }: Call, scope: GuardScope): Promise<GuardReport> {
  switch (guard) {
    case 'ensureTenantColumn': return ensureTenantColumn(session, table, scope)
    case 'ensureTenantIndexes': return ensureTenantIndexes(session, table, { scope, columns })
    case 'validateTenantIsolation': return validateTenantIsolation(session, table, scope)
    case 'sharedTable': return refuseSharedWrites(session, table, { ...scope, readers: 'everybody' })
    case 'platformTable': return refuseSharedWrites(session, table, { ...scope, readers: 'nobody' })
    default: throw guardError(table, `there is no guard ${guard}`, 'Guards are ensureTenantColumn, ' +
      'ensureTenantIndexes, validateTenantIsolation, sharedTable and platformTable')
  }
}

/** A guard line that is written wrongly must not be taken for a comment. */
function callsIn({ script, migration }: GuardedMigration): readonly Call[] {
  return script.split('\n').filter((line) => /^\s*--\s*guard\b/i.test(line)).map((line): Call => {
    const parts = /^-- guard: (\w+)\((\w+(?:, \w+)*)\)\s*$/.exec(line)
    const [table, ...columns] = parts?.[2]?.split(', ') ?? []
    if (parts?.[1] !== undefined && table !== undefined) return { guard: parts[1], table, columns }
    throw new WatertightError('WATERTIGHT_GUARD', `Migration ${migration} has a guard that cannot be read: ${line}`, {
      hint: 'Write it as -- guard: ensureTenantIndexes(table, column)',
    })
  })
}

interface TableName { readonly oid: string; readonly schema: string; readonly name: string }

/** Tables of everybody but the versions' own; partitions belong to their roots. */
async function tables(session: Session): Promise<readonly TableName[]> {
  const rows = await session.query(`SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
      AND n.nspname !~ '^(pg_|information_schema$)' AND n.nspname <> ${literal(versionsSchema)}`)
  return rows.map((row) => ({ oid: String(row['oid']), schema: String(row['schema']), name: String(row['name']) }))
}

/** Schema of the version tables: `schemaversion` of the platform, and one named after each tenant's schema. */
export const versionsSchema = 'dotmac_migrations'
