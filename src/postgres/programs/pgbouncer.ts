/**
 * A pgbouncer of our own in front of a server. Pooling in transaction mode is where a context set for one
 * tenant reaches the next one, so it has to be tried for real.
 */

import { execFile } from 'node:child_process'
import { access, chmod, constants, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf, WatertightError } from '../../errors.ts'
import { cacheDirectory } from '../server/cache-directory.ts'
import { findFreePort, isPortTaken, LOOPBACK } from '../server/free-port.ts'
import { childEnvironment } from '../server/launch.ts'
import { pgbouncerIni, pgbouncerUserlist, type PoolerSettings } from './pgbouncer-files.ts'
import { untilReady } from '../server/readiness.ts'
import { giveTo, type RunAs, unprivilegedUser } from '../server/run-as.ts'
import type { ServerAddress } from '../session/server-address.ts'
import { buryStaleServers, ServerDirectory } from '../server/server-directory.ts'
import type { ShutdownStep } from '../server/server-record.ts'
import { type ProcessExit, SupervisedProcess } from '../server/supervised-process.ts'

export interface PgbouncerBinary {
  readonly path: string
  /** For example 1.18.0. */
  readonly version: string
}

export interface PgbouncerOptions extends PoolerSettings {
  readonly binary: PgbouncerBinary
  /** Until it answers through the server. Default 10,000 ms. */
  readonly startTimeoutMs?: number
}

/** A second SIGTERM turns the waiting shutdown of 1.23 and later into an immediate one. */
const SHUTDOWN: readonly ShutdownStep[] = [
  ['SIGTERM', 500],
  ['SIGTERM', 2_000],
  ['SIGKILL', 2_000],
]
const START_TIMEOUT_MS = 10_000
const PORTS_TRIED_MAX = 5

/**
 * Looks at `path`, or else at WATERTIGHT_PGBOUNCER, PATH and /usr/sbin; null when there is none.
 * @throws WatertightError WATERTIGHT_NO_PGBOUNCER when one was named and cannot be run.
 */
export async function findPgbouncer(path?: string): Promise<PgbouncerBinary | null> {
  const fromEnvironment = process.env['WATERTIGHT_PGBOUNCER']
  const named = path ?? (fromEnvironment === '' ? undefined : fromEnvironment)
  if (named !== undefined) return await askVersion(named)
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  for (const candidate of [
    ...folders.map((folder) => join(folder, 'pgbouncer')),
    '/usr/sbin/pgbouncer',
  ]) {
    const executable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (executable) return await askVersion(candidate)
  }
  return null
}

/** The one that scripts/fetch-pgbouncer.mjs unpacked into the cache; null when it was never fetched. */
export async function fetchedPgbouncer(): Promise<PgbouncerBinary | null> {
  const cache = await cacheDirectory(await unprivilegedUser())
  const path = join(cache, 'pgbouncer-fetched', 'pgbouncer')
  const exists = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
  return exists ? await askVersion(path) : null
}

export class Pgbouncer implements AsyncDisposable {
  /** The address for the first of the users; others log in with their own name and password. */
  readonly address: ServerAddress
  readonly label: string
  /** Resolves when the process ends; `expected` is false when it died in the middle. */
  readonly exited: Promise<ProcessExit>
  readonly #process: SupervisedProcess
  readonly #directory: ServerDirectory
  #stopped: Promise<void> | undefined

  /** Use startPgbouncer. */
  constructor(address: ServerAddress, process: SupervisedProcess, directory: ServerDirectory) {
    this.address = address
    this.label = `${address.host}:${address.port}`
    this.exited = process.exited
    this.#process = process
    this.#directory = directory
  }

  get pid(): number {
    return this.#process.pid
  }

  logTail(): readonly string[] {
    return this.#process.logTail()
  }

  /** Drops all clients, stops the pooler and removes its directory. Safe to call again. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#shutDown()
    await this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #shutDown(): Promise<void> {
    await this.#process.stop(SHUTDOWN)
    await this.#directory.release()
  }
}

/**
 * Starts a pooler on a free loopback port; it is ready when the first user reached `database` through it.
 * @throws WatertightError WATERTIGHT_PGBOUNCER_FAILED with its last log lines.
 */
export async function startPgbouncer(options: PgbouncerOptions): Promise<Pgbouncer> {
  const runAs = await unprivilegedUser()
  const cache = await cacheDirectory(runAs)
  await buryStaleServers(cache)
  const directory = await ServerDirectory.create({ cache, runAs, shutdown: SHUTDOWN })
  try {
    return await startIn(directory, options, runAs)
  } catch (error) {
    await directory.release()
    throw error
  }
}

async function startIn(
  directory: ServerDirectory,
  options: PgbouncerOptions,
  runAs: RunAs | null,
): Promise<Pgbouncer> {
  const home = await directory.makePrivate('pgbouncer')
  await writePrivate(join(home, 'userlist.txt'), pgbouncerUserlist(options.users), runAs)
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort()
    const ini = join(home, 'pgbouncer.ini')
    await writePrivate(
      ini,
      pgbouncerIni(options, { port, userlist: join(home, 'userlist.txt') }),
      runAs,
    )
    const pooler = await SupervisedProcess.start(options.binary.path, [ini], { cwd: home, runAs })
    try {
      await directory.adopt(pooler.pid)
      return new Pgbouncer(await firstContact(pooler, options, port), pooler, directory)
    } catch (error) {
      const lostTheRace = pooler.hasExited && attempt < PORTS_TRIED_MAX && (await isPortTaken(port))
      await pooler.stop(SHUTDOWN)
      if (!lostTheRace) throw error
    }
  }
}

async function firstContact(
  pooler: SupervisedProcess,
  options: PgbouncerOptions,
  port: number,
): Promise<ServerAddress> {
  const [first] = options.users
  const address = { host: LOOPBACK, port, user: first.name, password: first.password, ssl: false }
  const gaveUp = new AbortController()
  const died = pooler.exited.then((exit): never => {
    gaveUp.abort()
    throw new Error(`it ended with ${exit.signal ?? `exit code ${exit.code}`}`)
  })
  const timeLimitMs = options.startTimeoutMs ?? START_TIMEOUT_MS
  try {
    await Promise.race([
      died,
      untilReady(
        address,
        { database: options.database, statement: 'SELECT 1', timeLimitMs },
        gaveUp.signal,
      ),
    ])
    return address
  } catch (error) {
    throw new WatertightError(
      'WATERTIGHT_PGBOUNCER_FAILED',
      `pgbouncer ${options.binary.version} did not start: ${messageOf(error)}\n${pooler.logTail().join('\n')}`,
      { hint: 'The lines above are the last of its log', cause: error },
    )
  }
}

/** Passwords lie in these files, so the mode is right from the first byte on. */
async function writePrivate(path: string, text: string, owner: RunAs | null): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  await chmod(path, 0o600)
  await giveTo(owner, path)
}

async function askVersion(path: string): Promise<PgbouncerBinary> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], {
      env: childEnvironment(),
      timeout: 5_000,
    })
    const version = /^PgBouncer (?:version )?(\d+\.\d+[^\s]*)/im.exec(stdout)?.[1]
    if (version !== undefined) return { path, version }
    throw new Error(`it says ${JSON.stringify(stdout.slice(0, 200))} instead of its version`)
  } catch (error) {
    throw new WatertightError(
      'WATERTIGHT_NO_PGBOUNCER',
      `${path} is not a usable pgbouncer: ${messageOf(error)}`,
      { hint: 'Install pgbouncer, or correct the path or WATERTIGHT_PGBOUNCER', cause: error },
    )
  }
}
