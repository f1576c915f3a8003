/** Brings one place (the shared tables, the platform's schemas, or one tenant's schema) to a version. */

import { join } from 'node:path'
import Postgrator from 'postgrator'
import { messageOf, WatertightError } from '../../errors.ts'
import { identifier, literal } from '../../postgres/identifier.ts'
import type { Session } from '../../postgres/session.ts'
import { ensureAuditTriggers, type AuditTriggersDone } from '../audit/triggers.ts'
import type { GuardReport, GuardScope } from '../guards/guarded-table.ts'
import { filled, type MigrationNames } from './fill.ts'
import { runGuarded, versionsSchema } from './run-guards.ts'

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
 * @throws WatertightError WATERTIGHT_MIGRATION_CHANGED (checksum), WATERTIGHT_MIGRATION_NEWER (the database is ahead
 *   of the files), WATERTIGHT_MIGRATION_FAILED (names file and place; the place stays at its version).
 */
export async function upgrade(session: Session, place: Place, options: UpgradeOptions): Promise<Upgraded> {
  const guards: GuardReport[] = []
  let migration = ''
  const postgrator = new Postgrator({
    driver: 'pg', migrationPattern: join(place.folder, '*.sql'), validateChecksums: true, newline: 'LF',
    schemaTable: `${versionsSchema}.${place.versionTable}`,
    execQuery: async (sql) => ({ rows: await session.query(sql) as Record<string, unknown>[] }),
    execSqlScript: async (sql) => {
      const script = filled(sql, place.names, options.serverVersionNum)
      const { requireTenantColumn = true } = options
      const guarded = { migration, script, schemas: place.schemas, scope: place.scope, requireTenantColumn }
      guards.push(...await runGuarded(session, guarded))
    },
  })
  askForColumnsOf(postgrator, place)
  const from = await postgrator.getDatabaseVersion()
  const files = (await postgrator.getMigrations()).filter(({ action }) => action === 'do')
    .toSorted((a, b) => a.version - b.version)
  const newest = files.at(-1)?.version ?? 0
  if (from > newest) throw newer(place, { from, newest })
  await validate(postgrator, place, from)
  const waiting = files.filter(({ version }) => version > from && version <= (options.to ?? newest))
  const nameOf = ({ filename }: { filename: string }) => filename.split(/[\\/]/).at(-1) ?? filename
  if (options.dryRun !== true) {
    for (const file of waiting) {
      migration = nameOf(file)
      await inTransaction(session, () => postgrator.migrate(String(file.version)), { place, migration })
    }
  }
  const to = waiting.at(-1)?.version ?? from
  const auditTriggers = options.dryRun === true ? { added: [], removed: [] } : await audited(session, place, options)
  return { title: place.title, from, to, applied: waiting.map(nameOf), guards, auditTriggers }
}

/** Not a migration: the configuration may change without a new version, and new tables are to be audited too. */
async function audited(
  session: Session, place: Place, { auditTriggers: enabled = true }: UpgradeOptions,
): Promise<AuditTriggersDone> {
  const done = { added: [] as string[], removed: [] as string[] }
  for (const schema of place.schemas) {
    const { added, removed } = await ensureAuditTriggers(session, { schema, enabled, owner: place.names.owner })
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
  const { commonClient } = postgrator as unknown as { readonly commonClient: { getColumnsSql: () => string } }
  const table = literal(`${versionsSchema}.${identifier(versionTable)}`)
  commonClient.getColumnsSql = () => `SELECT attname AS column_name FROM pg_catalog.pg_attribute
    WHERE attrelid = to_regclass(${table}) AND attnum > 0 AND NOT attisdropped`
}

async function validate(postgrator: Postgrator, place: Place, version: number): Promise<void> {
  try {
    if (version > 0) await postgrator.validateMigrations(version)
  } catch (error) {
    throw new WatertightError('WATERTIGHT_MIGRATION_CHANGED',
      `A migration of ${place.title} is not the one that was run: ${messageOf(error)}`,
      { hint: 'Bring the file back as it was, and write a new migration for the change', cause: error })
  }
}

async function inTransaction(
  session: Session, work: () => Promise<unknown>, { place, migration }: { place: Place; migration: string },
): Promise<void> {
  await session.query('BEGIN')
  try {
    await work()
    await session.query('COMMIT')
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined)
    throw new WatertightError('WATERTIGHT_MIGRATION_FAILED',
      `${migration} failed for ${place.title}, which stays as it was: ${messageOf(error)}`,
      { hint: error instanceof WatertightError ? error.hint : 'Repair the cause and run it again', cause: error })
  }
}

function newer(place: Place, { from, newest }: { readonly from: number; readonly newest: number }): WatertightError {
  return new WatertightError('WATERTIGHT_MIGRATION_NEWER',
    `${place.title} is at version ${from}, and the newest migration here is ${newest}`,
    { hint: 'Use the release that migrated it, or a newer one' })
}
