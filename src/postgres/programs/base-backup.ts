/**
 * A base backup by the low-level API, and the settings around it: the embedded server ships no pg_basebackup,
 * and that of another major version refuses to work.
 * https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
 */

import { chmod, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory } from '../server/cache-directory.ts'
import { unprivilegedUser } from '../server/run-as.ts'
import { ServerDirectory } from '../server/server-directory.ts'
import type { Session } from '../session/session.ts'

/** `archive` for WAL, which the server's own user writes; `base` for the base backup, `tenant` for that of a tenant. */
export interface RecoveryStore extends AsyncDisposable {
  readonly archive: string
  readonly base: string
  readonly tenant: string
}

export async function createRecoveryStore(): Promise<RecoveryStore> {
  const runAs = await unprivilegedUser()
  // Watched like a server's directory: a drill that is interrupted or killed leaves no copy of a cluster behind.
  const directory = await ServerDirectory.create({
    cache: await cacheDirectory(runAs),
    runAs,
    shutdown: [],
  })
  return {
    archive: await directory.makePrivate('archive'),
    base: join(directory.path, 'base'),
    tenant: join(directory.path, 'tenant'),
    [Symbol.asyncDispose]: () => directory.release(),
  }
}

/** For the server that is backed up. A segment appears under its name only when it is whole. */
export function archiveSettings({
  archive,
}: Pick<RecoveryStore, 'archive'>): Readonly<Record<string, string>> {
  return {
    wal_level: 'replica',
    archive_mode: 'on',
    full_page_writes: 'on',
    fsync: 'on',
    synchronous_commit: 'on',
    archive_command:
      `test ! -f "${archive}/%f" && cp "%p" "${archive}/%f.part" && ` +
      `mv "${archive}/%f.part" "${archive}/%f"`,
  }
}

/** One of the ways to say where recovery ends; `lsn` and `time` as PostgreSQL writes them. */
export type RecoveryTarget =
  { readonly kind: 'time' | 'lsn' | 'name'; readonly value: string } | { readonly kind: 'latest' }

/** For the server that recovers: it takes no connection before it has reached the target and is promoted. */
export function recoverySettings(
  { archive }: Pick<RecoveryStore, 'archive'>,
  target: RecoveryTarget,
): Readonly<Record<string, string>> {
  return {
    archive_mode: 'off',
    hot_standby: 'off',
    restore_command: `cp "${archive}/%f" "%p"`,
    recovery_target_action: 'promote',
    ...(target.kind === 'latest' ? {} : { [`recovery_target_${target.kind}`]: target.value }),
  }
}

/** Copies the running cluster to store.base, ready to recover. The session is a superuser's and stays in use. */
export async function takeBaseBackup(admin: Session, store: RecoveryStore): Promise<void> {
  const [row] = await admin.query(`SELECT current_setting('data_directory') AS data`)
  await admin.query(`SELECT pg_backup_start('watertight drill', true)`)
  await copyLive(String(row?.['data']), store.base, true)
  const [stopped] = await admin.query('SELECT labelfile, spcmapfile FROM pg_backup_stop(true)')
  await writeFile(join(store.base, 'backup_label'), String(stopped?.['labelfile']), { mode: 0o600 })
  await writeFile(join(store.base, 'recovery.signal'), '', { mode: 0o600 })
}

/** What must not be in a base backup: the documentation's list of the contents that the server makes anew. */
const emptied = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
])
const leftOut =
  /^(postmaster\.(pid|opts)|pg_internal\.init.*|pgsql_tmp.*|backup_label|tablespace_map)$/

/** Files may go away while they are copied; WAL knows of that. */
async function copyLive(from: string, to: string, top: boolean): Promise<void> {
  await mkdir(to, { mode: 0o700 })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (leftOut.test(entry.name)) continue
    if (entry.isDirectory()) {
      if (top && emptied.has(entry.name)) await mkdir(target, { mode: 0o700 })
      else await copyLive(source, target, false)
    } else if (entry.isFile()) {
      await copyFile(source, target).then(
        () => chmod(target, 0o600),
        (error: unknown) => {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        },
      )
    }
  }
}
