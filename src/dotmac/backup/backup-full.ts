/** Full backups of both databases: pg_dump where it can read the server, COPY where it cannot, counted either way. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { WatertightError } from '../../errors.ts'
import { services, type Service } from '../../model/tenancy.ts'
import { copyToFile } from '../../postgres/session/copy-file.ts'
import { identifier } from '../../sql/identifier.ts'
import { findPgDump, runPgDump, type PgDump } from '../../postgres/programs/pg-dump.ts'
import type { Session } from '../../postgres/session/session.ts'
import { openBackupSession, type BackupPlatform } from './backup-platform.ts'
import { rolesOf, type RoleEntry } from './cluster-roles.ts'
import { inDraft } from './draft.ts'
import { everyTable, shapeOf, type LiveTable } from './every-table.ts'
import {
  manifestFormat,
  writeManifest,
  type DatabaseEntry,
  type Manifest,
  type TableEntry,
} from './manifest.ts'
import { beginTogether, type SnapshotFacts } from './snapshots.ts'
import { countAndHash } from './tenant-tables.ts'

export interface FullBackupOptions {
  /** Directory that does not exist yet; its parent does. */
  readonly to: string
  /** `copy` does without pg_dump; default: pg_dump when one is not older than the server. */
  readonly method?: 'copy'
}

/**
 * Every table of both databases at one point. The login must be one that row security hides nothing from:
 * FORCE makes the owner's pg_dump abort, or write nothing and exit 0.
 * @throws WatertightError WATERTIGHT_RIGHTS, WATERTIGHT_BACKUP_SHORT, WATERTIGHT_PG_DUMP,
 *   WATERTIGHT_BACKUP_EXISTS, WATERTIGHT_BACKUP_WRITE.
 */
export async function backupFull(
  platform: BackupPlatform,
  options: FullBackupOptions,
): Promise<Manifest> {
  await using management = await openBackupSession(platform, 'management')
  await using isp = await openBackupSession(platform, 'isp')
  const sessions = new Map<Service, Session>([
    ['management', management],
    ['isp', isp],
  ])
  const program = options.method === 'copy' ? null : await findPgDump(await versionNumOf(sessions))
  return await inDraft(options.to, async (directory) => {
    const { samePoint, facts } = await beginTogether(sessions)
    const databases: Partial<Record<Service, DatabaseEntry>> = {}
    const roles = new Map<string, RoleEntry>()
    for (const service of services) {
      const [session, fact] = [sessions.get(service), facts.get(service)]
      if (session === undefined || fact === undefined) continue
      await mkdir(join(directory, service), { mode: 0o700 })
      for (const role of await rolesOf(session)) roles.set(role.name, role)
      databases[service] = await writeDatabase(session, {
        platform,
        service,
        directory,
        program,
        fact,
      })
      await session.query('COMMIT')
    }
    const manifest: Manifest = {
      format: manifestFormat,
      kind: 'full',
      tenant: null,
      tenantSchema: null,
      tenancy: platform.tenancy,
      createdAt: new Date().toISOString(),
      samePoint,
      databases,
      roles: [...roles.values()],
      method: program === null ? 'copy' : `pg_dump ${program.version}`,
    }
    await writeManifest(directory, manifest)
    return manifest
  })
}

interface Writing {
  readonly platform: BackupPlatform
  readonly service: Service
  readonly directory: string
  readonly program: PgDump | null
  readonly fact: SnapshotFacts
}

async function writeDatabase(session: Session, writing: Writing): Promise<DatabaseEntry> {
  const { platform, service, program, fact } = writing
  const live = await everyTable(session)
  const tables =
    program === null ? await copyAll(session, live, writing) : await dumpAll(session, live, writing)
  return { database: platform.databases[service], ...fact, schemaVersion: shapeOf(live), tables }
}

async function copyAll(
  session: Session,
  live: readonly LiveTable[],
  { service, directory }: Writing,
): Promise<readonly TableEntry[]> {
  const entries: TableEntry[] = []
  for (const [index, { address, schema, table, columns }] of live.entries()) {
    // Names of schemas are a stranger's text; numbers are safe on every file system.
    const file = `${service}/${String(index).padStart(6, '0')}.copy`
    const names = columns.map(({ name }) => identifier(name)).join(', ')
    const written = await copyToFile(
      session,
      `COPY (SELECT ${names} FROM ${address}) TO STDOUT`,
      join(directory, file),
    )
    const there = await countAndHash(session, address, { columns })
    if (written.rows !== there.rows) throw short(address, written.rows, there.rows)
    entries.push({
      schema,
      table,
      file,
      columns,
      ...there,
      bytes: written.bytes,
      sha256: written.sha256,
    })
  }
  return entries
}

/** One file for the database; each table's rows in it are counted against the same snapshot. */
async function dumpAll(
  session: Session,
  live: readonly LiveTable[],
  { platform, service, directory, program }: Writing,
): Promise<readonly TableEntry[]> {
  if (program === null) return []
  const [row] = await session.query('SELECT pg_export_snapshot() AS snapshot')
  const file = `${service}/dump.sql`
  const dumped = await runPgDump(program, {
    address: platform.addresses[service],
    database: platform.databases[service],
    snapshot: String(row?.['snapshot']),
    to: join(directory, file),
  })
  const entries: TableEntry[] = []
  for (const { address, schema, table, columns, storedAs } of live) {
    const there = await countAndHash(session, address, { columns })
    const rows = storedAs.reduce((sum, name) => sum + (dumped.rows.get(name) ?? 0), 0)
    if (rows !== there.rows) throw short(address, rows, there.rows)
    entries.push({
      schema,
      table,
      file,
      columns,
      ...there,
      bytes: dumped.bytes,
      sha256: dumped.sha256,
    })
  }
  return entries
}

async function versionNumOf(sessions: ReadonlyMap<Service, Session>): Promise<number> {
  const versions = await Promise.all(
    [...sessions.values()].map(async (session) => {
      const [row] = await session.query(`SELECT current_setting('server_version_num') AS num`)
      return Number(row?.['num'])
    }),
  )
  return Math.max(...versions)
}

function short(address: string, has: number, live: number): WatertightError {
  return new WatertightError(
    'WATERTIGHT_BACKUP_SHORT',
    `The backup of ${address} holds ${has} of ${live} rows`,
    { hint: 'Nothing was kept; use a login that row security hides nothing from' },
  )
}
