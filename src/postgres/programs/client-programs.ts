/** PostgreSQL's client programs on this machine, by version, and how they are told where to connect. */

import { execFile } from 'node:child_process'
import { access, constants, readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { ServerAddress } from '../session/server-address.ts'

export interface ClientProgram {
  readonly path: string
  /** For example '15.18'. */
  readonly version: string
  readonly major: number
}

/** All that can be run, the newest major version first. */
export async function clientPrograms(
  program: 'pg_dump' | 'psql',
): Promise<readonly ClientProgram[]> {
  const found: ClientProgram[] = []
  for (const path of await candidates(program)) {
    const version = await versionOf(path)
    if (version !== null) found.push({ path, version, major: Number.parseInt(version, 10) })
  }
  return found.sort((a, b) => b.major - a.major)
}

/** The password is not among the arguments, which everybody on the machine can read. */
export function clientEnvironment(address: ServerAddress, database: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    LC_ALL: 'C',
    PGHOST: address.host,
    PGPORT: String(address.port),
    PGUSER: address.user,
    PGDATABASE: database,
    ...(address.password === undefined ? {} : { PGPASSWORD: address.password }),
  }
}

/** Where Debian, the PGDG packages, Red Hat and Homebrew put the programs of each major version. */
const versionedRoots = [
  { root: '/usr/lib/postgresql', bin: 'bin' },
  { root: '/usr', bin: 'bin', prefix: 'pgsql-' },
  { root: '/opt/homebrew/opt', bin: 'bin', prefix: 'postgresql@' },
]

async function candidates(program: string): Promise<readonly string[]> {
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((part) => part !== '')
    .map((part) => join(part, program))
  const versioned = await Promise.all(
    versionedRoots.map(async ({ root, bin, prefix = '' }) => {
      const names = await readdir(root).catch((): string[] => [])
      const installed = names.filter((name) => name.startsWith(prefix) && /\d/.test(name))
      return installed.map((name) => join(root, name, bin, program))
    }),
  )
  const all = [...new Set([...versioned.flat(), ...onPath])]
  const there = await Promise.all(
    all.map((path) =>
      access(path, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  )
  return all.filter((_, index) => there[index])
}

async function versionOf(path: string): Promise<string | null> {
  const answer = await promisify(execFile)(path, ['--version'], { timeout: 10_000 }).catch(
    () => null,
  )
  return /(\d+(?:\.\d+)?)/.exec(answer?.stdout ?? '')?.[1] ?? null
}
