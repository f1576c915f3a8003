/** Brings one place (the shared tables, the platform's schemas, or one tenant's schema) to a version. */

import Postgrator from 'postgrator'
import { messageOf, sqlstateOf, WatertightError } from '../../errors.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import { ensureAuditTriggers, type AuditTriggersDone } from '../audit/triggers.ts'
import type { GuardReport, GuardScope } from '../guards/guarded-table.ts'
import { differenceFrom, migrationFiles, patternOf } from './files.ts'
import { filled, requirePlainNames, type MigrationNames } from './fill.ts'
import { versionsSchema } from './remembered-tables.ts'
import { runGuarded } from './run-guards.ts'

export interface Place {
  /** What an error and a report call it. */
  readonly title: string
  /** Folder with NNN.do.name.sql files. */
  readonly folder: string
  /** Table of versions within the schema dotmac_migrations. */
  readonly versionTable: string
  readonly names: MigrationNames
  readonly schemas: readonly string[]
  readonly scope: Omit<GuardScope, 'schema'>
}

export interface UpgradeOptions {
  readonly serverVersionNum: number
  /** Version to stop at; default the newest. */
  readonly to?: number
  /** Says what would run, and changes nothing. Default false. */
  readonly dryRun?: boolean
  /** REQUIRE_TENANT_COLUMN: a migration must guard every table that it makes. Default true. */
  readonly requireTenantColumn?: boolean
  /** ENABLE_AUDIT_TRIGGERS: writes to tenants' tables leave a line in the trail. Default true. */
  readonly auditTriggers?: boolean
}

export interface Upgraded {
  readonly title: string
  readonly from: number
  /** Version that was reached; under dryRun the one that would be. */
  readonly to: number
  /** File names without folder, in order. */
  readonly applied: readonly string[]
  readonly guards: readonly GuardReport[]
  /** Audit triggers that ENABLE_AUDIT_TRIGGERS added or removed, as `audit_insert ON public.users`. */
  readonly auditTriggers: AuditTriggersDone
}

/**
 * One transaction for each migration, its version and its guards together: what was committed stays, so an
 * interrupted upgrade is resumed by running it again.
 * @throws WatertightError WATERTIGHT_MIGRATION_FILES (none, or one that would not be run), WATERTIGHT_MIGRATION_CHANGED
 *   (what was run is not what lies there), WATERTIGHT_MIGRATION_NEWER (the database is ahead of the files),
 *   WATERTIGHT_MIGRATION_NAMES (a schema or role that is no plain name), WATERTIGHT_MIGRATION_FAILED (names file and
 *   place; the place stays at its version).
 */
export async function upgrade(
  session: Session,
  place: Place,
  options: UpgradeOptions,
): Promise<Upgraded> {
  migrationFiles(place.folder)
  requirePlainNames(place.names)
  const guards: GuardReport[] = []
  let migration = ''
  const postgrator = new Postgrator({
    driver: 'pg',
    migrationPattern: patternOf(place.folder),
    validateChecksums: true,
    newline: 'LF',
    schemaTable: `${versionsSchema}.${place.versionTable}`,
    execQuery: async (sql) => ({ rows: (await session.query(sql)) as Record<string, unknown>[] }),
    execSqlScript: async (sql) => {
      const script = filled(sql, place.names, options.serverVersionNum)
      const { requireTenantColumn = true } = options
      const guarded = {
        migration,
        script,
        schemas: place.schemas,
        scope: place.scope,
        requireTenantColumn,
      }
      guards.push(...(await runGuarded(session, guarded)))
    },
  })
  askForColumnsOf(postgrator, place)
  const from = await postgrator.getDatabaseVersion()
  const files = (await postgrator.getMigrations())
    .filter(({ action }) => action === 'do')
    .toSorted((a, b) => a.version - b.version)
  const newest = files.at(-1)?.version ?? 0
  if (from > newest) throw newer(place, { from, newest })
  if (from > 0) await refuseChanged(session, place, files)
  const waiting = files.filter(({ version }) => version > from && version <= (options.to ?? newest))
  if (options.dryRun !== true) {
    for (const file of waiting) {
      migration = nameOf(file)
      await inTransaction(session, () => postgrator.migrate(String(file.version)), {
        place,
        migration,
      })
    }
  }
  const to = waiting.at(-1)?.version ?? from
  const auditTriggers =
    options.dryRun === true ? { added: [], removed: [] } : await audited(session, place, options)
  return { title: place.title, from, to, applied: waiting.map(nameOf), guards, auditTriggers }
}

/** Not a migration: the configuration may change without a new version, and new tables are to be audited too. */
async function audited(
  session: Session,
  place: Place,
  { auditTriggers: enabled = true }: UpgradeOptions,
): Promise<AuditTriggersDone> {
  const done = { added: [] as string[], removed: [] as string[] }
  for (const schema of place.schemas) {
    const { added, removed } = await ensureAuditTriggers(session, {
      schema,
      enabled,
      owner: place.names.owner,
    })
    done.added.push(...added)
    done.removed.push(...removed)
  }
  return done
}

/**
 * Whether there is a table of versions is asked of pg_attribute: information_schema.columns, which Postgrator asks,
 * took 0.2 s in a database of 1,000 tenants, several times for each of them.
 */
function askForColumnsOf(postgrator: Postgrator, { versionTable }: Place): void {
  const { commonClient } = postgrator as unknown as {
    readonly commonClient: { getColumnsSql: () => string }
  }
  const table = literal(`${versionsSchema}.${identifier(versionTable)}`)
  commonClient.getColumnsSql = () => `SELECT attname AS column_name FROM pg_catalog.pg_attribute
    WHERE attrelid = to_regclass(${table}) AND attnum > 0 AND NOT attisdropped`
}

/** @throws WatertightError WATERTIGHT_MIGRATION_CHANGED. */
async function refuseChanged(
  session: Session,
  place: Place,
  files: readonly Postgrator.Migration[],
): Promise<void> {
  const rows = await session.query(`SELECT version, md5
    FROM ${versionsSchema}.${identifier(place.versionTable)} ORDER BY version`)
  const applied = rows.map(({ version, md5 }) => ({
    version: Number(version),
    md5: typeof md5 === 'string' ? md5 : null,
  }))
  const named = files.map((file) => ({ version: file.version, name: nameOf(file), md5: file.md5 }))
  const difference = differenceFrom(named, applied)
  if (difference === null) return
  throw new WatertightError(
    'WATERTIGHT_MIGRATION_CHANGED',
    `The migrations of ${place.title} are not those that were run: ${difference}`,
    { hint: 'Bring the files back as they were; a change is a new migration with the next number' },
  )
}

function nameOf({ filename }: Pick<Postgrator.Migration, 'filename'>): string {
  return filename.split(/[\\/]/).at(-1) ?? filename
}

async function inTransaction(
  session: Session,
  work: () => Promise<unknown>,
  { place, migration }: { place: Place; migration: string },
): Promise<void> {
  await session.query('BEGIN')
  try {
    await work()
    await session.query('COMMIT')
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined)
    throw new WatertightError(
      'WATERTIGHT_MIGRATION_FAILED',
      `${migration} failed for ${place.title}, which stays as it was: ${messageOf(error)}`,
      { hint: error instanceof WatertightError ? error.hint : hintFor(error), cause: error },
    )
  }
}

/** What cannot run in a transaction is refused with one of two SQLSTATEs, and the server does not say why. */
function hintFor(error: unknown): string {
  return ['0A000', '25001'].includes(sqlstateOf(error) ?? '')
    ? 'Each migration is one transaction: leave out BEGIN, COMMIT, ROLLBACK, what cannot run in one (CONCURRENTLY), ' +
        'and write CREATE TABLE AS for SELECT INTO'
    : 'Repair the cause and run it again'
}

function newer(
  place: Place,
  { from, newest }: { readonly from: number; readonly newest: number },
): WatertightError {
  return new WatertightError(
    'WATERTIGHT_MIGRATION_NEWER',
    `${place.title} is at version ${from}, and the newest migration here is ${newest}`,
    { hint: 'Use the release that migrated it, or a newer one' },
  )
}
