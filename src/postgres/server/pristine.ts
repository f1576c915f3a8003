/**
 * A freshly initialised cluster, kept in the cache and copied for every server: initdb takes seconds, a
 * copy takes a fraction of one.
 */

import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Binaries } from './binaries.ts'
import { privateDirectoryMode } from './cache-directory.ts'
import { cacheEntry, cacheTrustMs } from './cache-entry.ts'
import { runToEnd } from './launch.ts'
import { giveTo, type RunAs } from './run-as.ts'

export interface PristineCluster {
  readonly dataDirectory: string
  /** Of the superuser `postgres`, until the copy's first start gives it a new one. */
  readonly password: string
}

export interface PristineOptions {
  readonly cache: string
  readonly runAs: RunAs | null
}

/** One cluster for each version and for each user it belongs to, since PostgreSQL insists on owning it. */
export async function pristineCluster(
  binaries: Binaries,
  options: PristineOptions,
): Promise<PristineCluster> {
  const { cache, runAs } = options
  const name = `pristine-${binaries.platform}-${binaries.version}-${runAs?.name ?? 'self'}`
  const directory = await cacheEntry(
    { cache, name, access: privateDirectoryMode(runAs), trustMs: cacheTrustMs },
    async (draft) => {
      await initialise(binaries, draft, runAs)
    },
  )
  const password = await readFile(join(directory, 'password'), 'utf8')
  return { dataDirectory: join(directory, 'data'), password }
}

/** Source: https://www.postgresql.org/docs/18/app-initdb.html */
async function initialise(
  binaries: Binaries,
  directory: string,
  runAs: RunAs | null,
): Promise<void> {
  const data = join(directory, 'data')
  const passwordForInitdb = join(directory, 'password-for-initdb')
  const password = randomBytes(24).toString('hex')
  await mkdir(data, { mode: 0o700 })
  await giveTo(runAs, data)
  await writeFile(join(directory, 'password'), password, { mode: 0o600 })
  await writeFile(passwordForInitdb, password, { mode: 0o600 })
  await giveTo(runAs, passwordForInitdb)
  await runToEnd(
    binaries.initdb,
    [
      '--pgdata',
      data,
      '--username',
      'postgres',
      '--pwfile',
      passwordForInitdb,
      '--auth-local=scram-sha-256',
      '--auth-host=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ],
    { cwd: directory, runAs },
  )
  await rm(passwordForInitdb)
}
