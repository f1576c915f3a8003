/** Guards of a migration: the lines that call them, and the proof that no table went without. */

import { randomBytes } from 'node:crypto'
import { WatertightError } from '../../errors.ts'
import { literal } from '../../postgres/identifier.ts'
import type { Session } from '../../postgres/session.ts'
import { ensureTenantColumn } from '../guards/ensure-tenant-column.ts'
import { ensureTenantIndexes } from '../guards/ensure-tenant-indexes.ts'
import { guardError, type GuardReport, type GuardScope } from '../guards/guarded-table.ts'
import { unguarded, validateTenantIsolation } from '../guards/validate-tenant-isolation.ts'
import { refuseSharedWrites } from '../guards/shared-table.ts'

/** Schema of the version tables: `schemaversion` of the platform, and one named after each tenant's schema. */
export const versionsSchema = 'dotmac_migrations'

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
  /** Null: the first of the place's schemas that has the table. */
  readonly schema: string | null
  readonly table: string
  readonly columns: readonly string[]
}

/**
 * Runs the script and then its guards, in the caller's transaction.
 * @throws WatertightError WATERTIGHT_GUARD, also when the script makes a table that no guard validated.
 */
export async function runGuarded(session: Session, guarded: GuardedMigration): Promise<readonly GuardReport[]> {
  const calls = callsIn(guarded)
  const before = await rememberTables(session)
  await session.query(withoutEndSql(guarded.script))
  // A SET of the script is not for the guards, the version and the next tenant's migration.
  await session.query(`SELECT set_config('search_path', ${literal(before.searchPath)}, false),
    set_config('role', ${literal(before.role)}, false)`)
  const reports: GuardReport[] = []
  const validated = new Set<string>()
  for (const call of calls) {
    const found = await tableOf(session, call, guarded.schemas)
    const schema = found?.schema ?? call.schema ?? guarded.schemas[0] ?? 'public'
    reports.push(await run(session, call, { ...guarded.scope, schema }))
    if (found !== null && !call.guard.startsWith('ensure')) validated.add(found.oid)
  }
  const made = await newTables(session, guarded.schemas)
  const open = made.find((each) => !validated.has(each.root))
  if (open !== undefined && guarded.requireTenantColumn !== false) throw unguarded(open.name, guarded.migration)
  return reports.filter(({ did }) => did.length > 0)
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

/** Names as SQL writes them: folded to lower case, or within double quotes. */
const name = '(?:\\w+|"(?:[^"]|"")+")'
const guardLine = new RegExp(`^-- guard: (\\w+)\\((?:(${name})\\.)?(${name})((?:, ${name})*)\\)\\s*$`)

/** A guard line that is written wrongly must not be taken for a comment. */
function callsIn({ script, migration }: GuardedMigration): readonly Call[] {
  return script.split('\n').filter((line) => /^\s*--\s*guard\b/i.test(line)).map((line): Call => {
    const [, guard, schema, table, columns] = guardLine.exec(line) ?? []
    if (guard !== undefined && table !== undefined) {
      const further = columns?.match(new RegExp(name, 'g')) ?? []
      return {
        guard, schema: schema === undefined ? null : unquoted(schema), table: unquoted(table),
        columns: further.map(unquoted),
      }
    }
    throw new WatertightError('WATERTIGHT_GUARD', `Migration ${migration} has a guard that cannot be read: ${line}`, {
      hint: 'Write it as -- guard: ensureTenantIndexes(table, column), with "quotes" where SQL needs them',
    })
  })
}

function unquoted(written: string): string {
  return written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written.toLowerCase()
}

const ours = `c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^(pg_|information_schema$)'
  AND n.nspname <> ${literal(versionsSchema)}`

/** A partition is as guarded as the table that it belongs to, also when it is moved to another. */
const root = 'CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END'

interface Binding {
  readonly searchPath: string
  readonly role: string
}

/** The list stays on the server: in a database of 1,000 tenants it has 20,000 lines, and each of them is migrated. */
async function rememberTables(session: Session): Promise<Binding> {
  await session.query(`CREATE TEMPORARY TABLE dotmac_tables_before ON COMMIT DROP AS
    SELECT c.oid AS table_oid, ${root} AS root_oid
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ${ours}`)
  const [row] = await session.query("SELECT current_setting('search_path') AS path, current_setting('role') AS role")
  return { searchPath: String(row?.['path']), role: String(row?.['role']) }
}

interface TableName { readonly root: string; readonly name: string }

/** Tables of everybody but the versions' own that were not there before, or not as partitions of the same table. */
async function newTables(session: Session, schemas: readonly string[]): Promise<readonly TableName[]> {
  const rows = await session.query(`SELECT ${root}::text AS root, CASE
      WHEN n.nspname IN (${schemas.map(literal).join(', ')}) THEN quote_ident(c.relname)
      ELSE format('%I.%I', n.nspname, c.relname) END AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_temp.dotmac_tables_before b ON b.table_oid = c.oid AND b.root_oid = ${root}
    WHERE ${ours} AND b.table_oid IS NULL ORDER BY c.oid`)
  await session.query('DROP TABLE pg_temp.dotmac_tables_before')
  return rows.map((row) => ({ root: String(row['root']), name: String(row['name']) }))
}

async function tableOf(
  session: Session, { schema, table }: Call, schemas: readonly string[],
): Promise<{ readonly schema: string; readonly oid: string } | null> {
  for (const each of schema === null ? schemas : [schema]) {
    const [row] = await session.query(`SELECT c.oid::text AS oid FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = ${literal(each)} AND c.relname = ${literal(table)} AND c.relkind IN ('r', 'p', 'f')`)
    if (row !== undefined) return { schema: each, oid: String(row['oid']) }
  }
  return null
}
