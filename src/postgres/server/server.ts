/**
 * The embedded PostgreSQL server: what makes `watertight run` work on a machine that has no database. It
 * is private to its owner and disappears with it, however the owner ends.
 */

import { randomBytes } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'
import { findBinaries } from './binaries.ts'
import { cacheDirectory, onDisk, removeUnfinished } from './cache-directory.ts'
import { copyData } from './file-tree.ts'
import { findFreePort, isPortTaken, LOOPBACK } from './free-port.ts'
import { pristineCluster } from './pristine.ts'
import { untilReady } from './readiness.ts'
import { unprivilegedUser, type RunAs } from './run-as.ts'
import type { Server, ServerAddress } from '../session/server-address.ts'
import { buryStaleServers, ServerDirectory, type ShutdownStep } from './server-directory.ts'
import { configurationLines } from './server-settings.ts'
import { type ProcessExit, SupervisedProcess } from './supervised-process.ts'

export interface EmbeddedServerOptions {
  /** For example 18 or 15.1; npm downloads another than the installed one. Default: the installed one. */
  readonly version?: string
  /** More lines for postgresql.conf; they win over our own, except where the server lives and listens. */
  readonly settings?: Readonly<Record<string, string>>
  /** From the start of the process until it answers. Default 30,000 ms. */
  readonly startTimeoutMs?: number
  /** What to copy and start instead of a fresh cluster. */
  readonly base?: ServerBase
}

/** A data directory of a server that has stopped, and the superuser's password in it. */
export interface ServerBase {
  readonly dataDirectory: string
  readonly password: string
}

/** Fast shutdown, then immediate, then the kernel. https://www.postgresql.org/docs/18/server-shutdown.html */
const SHUTDOWN: readonly ShutdownStep[] = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
]
const START_TIMEOUT_MS = 30_000
/** Says what is the default anyway: without options of its own the driver would send the user's PGOPTIONS. */
const OWN_OPTIONS = '-c client_min_messages=notice'
const PORTS_TRIED_MAX = 5
/** sun_path holds 104 bytes on macOS, 108 on Linux, the closing zero included. */
const SOCKET_PATH_MAX = 103

const crashPatienceMs = 30_000

export class EmbeddedServer implements Server {
  readonly kind = 'embedded'
  /** The Unix socket where there is one, else the same as tcpAddress. */
  readonly address: ServerAddress
  readonly tcpAddress: ServerAddress
  readonly label: string
  readonly version: string
  /** Resolves when the server process ends; `expected` is false when it died in the middle. */
  readonly exited: Promise<ProcessExit>
  readonly #process: SupervisedProcess
  readonly #directory: ServerDirectory
  #stopped: Promise<void> | undefined

  /** Use startEmbeddedServer. */
  constructor(running: Running) {
    const login = {
      port: running.port,
      user: 'postgres',
      password: running.password,
      ssl: false,
      options: OWN_OPTIONS,
    }
    this.tcpAddress = { host: LOOPBACK, ...login }
    this.address = { host: running.socketDirectory ?? LOOPBACK, ...login }
    this.label = `${LOOPBACK}:${running.port}`
    this.version = running.version
    this.exited = running.process.exited
    this.#process = running.process
    this.#directory = running.directory
  }

  get pid(): number {
    return this.#process.pid
  }

  get watchdogPid(): number | undefined {
    return this.#directory.watchdogPid
  }

  /** Everything the server has on disk. */
  get directory(): string {
    return this.#directory.path
  }

  logTail(): readonly string[] {
    return this.#process.logTail()
  }

  /** Ends all connections, stops the server and removes its directory. Safe to call again. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#shutDown()
    await this.#stopped
  }

  /**
   * Ends the server as a power cut would, and waits until it is gone: for drills. `exited` alone may not be waited
   * for, because a server does not keep its owner alive.
   */
  async crash(): Promise<void> {
    await this.#process.stop([['SIGKILL', crashPatienceMs]])
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
 * Puts the programs of these versions into the cache, so that what cannot be had is known before the first
 * server is started. @throws WatertightError WATERTIGHT_NO_BINARIES, WATERTIGHT_NO_REGISTRY.
 */
export async function prepareBinaries(
  versions: readonly string[],
  onStep: (version: string, done: number) => void = () => undefined,
): Promise<void> {
  const cache = await cacheDirectory(await unprivilegedUser())
  for (const [done, version] of versions.entries()) {
    onStep(`PostgreSQL ${version}`, done)
    await onDisk(cache, () => findBinaries(cache, version))
  }
}

/**
 * Starts a PostgreSQL server of our own on a fresh cluster, on a Unix socket and on a free loopback port,
 * with a password that only this process knows.
 * @throws WatertightError WATERTIGHT_CACHE_FAILED where the disk is full, WATERTIGHT_SERVER_FAILED with the
 *   server's last log lines, and the errors of the cache directory, the binaries and the settings.
 */
export async function startEmbeddedServer(
  options: EmbeddedServerOptions = {},
): Promise<EmbeddedServer> {
  const runAs = await unprivilegedUser()
  const cache = await cacheDirectory(runAs)
  return await onDisk(cache, () => startIn({ cache, runAs }, options))
}

async function startIn(
  { cache, runAs }: { readonly cache: string; readonly runAs: RunAs | null },
  options: EmbeddedServerOptions,
): Promise<EmbeddedServer> {
  await Promise.all([buryStaleServers(cache), removeUnfinished(cache)])
  const binaries = await findBinaries(cache, options.version)
  const pristine = options.base ?? (await pristineCluster(binaries, { cache, runAs }))
  const directory = await ServerDirectory.create({
    cache,
    runAs,
    shutdown: SHUTDOWN,
    dataDirectory: 'data',
  })
  try {
    const data = join(directory.path, 'data')
    await copyData(pristine.dataDirectory, data, runAs)
    return await startOn(directory, {
      program: binaries.postgres,
      version: binaries.version,
      data,
      runAs,
      firstPassword: pristine.password,
      socketDirectory: await socketDirectory(directory),
      settings: options.settings ?? {},
      startTimeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS,
    })
  } catch (error) {
    await directory.release()
    throw error
  }
}

interface Plan {
  readonly program: string
  readonly version: string
  readonly data: string
  readonly runAs: RunAs | null
  readonly firstPassword: string
  readonly socketDirectory: string | null
  readonly settings: Readonly<Record<string, string>>
  readonly startTimeoutMs: number
}

interface Running {
  readonly process: SupervisedProcess
  readonly directory: ServerDirectory
  readonly port: number
  readonly socketDirectory: string | null
  readonly password: string
  readonly version: string
}

/** Null where sockets do not exist or the cache directory's name is too long for one; TCP serves then. */
async function socketDirectory(directory: ServerDirectory): Promise<string | null> {
  const longest = join(directory.path, 's', '.s.PGSQL.65535.lock')
  if (process.platform === 'win32' || Buffer.byteLength(longest) > SOCKET_PATH_MAX) return null
  return await directory.makePrivate('s')
}

async function startOn(directory: ServerDirectory, plan: Plan): Promise<EmbeddedServer> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort()
    const lines = configurationLines({ port, socketDirectory: plan.socketDirectory }, plan.settings)
    await appendFile(join(plan.data, 'postgresql.conf'), `\n${lines}`)
    const server = await SupervisedProcess.start(plan.program, ['-D', plan.data], {
      cwd: plan.data,
      runAs: plan.runAs,
    })
    try {
      await directory.adopt(server.pid)
      const password = await firstContact(server, plan, port)
      const { socketDirectory: sockets, version } = plan
      return new EmbeddedServer({
        process: server,
        directory,
        port,
        socketDirectory: sockets,
        password,
        version,
      })
    } catch (error) {
      const lostTheRace = server.hasExited && attempt < PORTS_TRIED_MAX && (await isPortTaken(port))
      await server.stop(SHUTDOWN)
      if (!lostTheRace) throw error
    }
  }
}

/** Iterations protect weak passwords; ours are random, and hundreds of connections log in. */
function lightly(version: string): string {
  return Number.parseInt(version, 10) >= 16 ? 'SET scram_iterations = 64; ' : ''
}

/** The first statement proves that the server is ours and replaces the password it was copied with. */
async function firstContact(server: SupervisedProcess, plan: Plan, port: number): Promise<string> {
  const password = randomBytes(24).toString('hex')
  const gaveUp = new AbortController()
  const address = {
    host: plan.socketDirectory ?? LOOPBACK,
    port,
    user: 'postgres',
    password: plan.firstPassword,
    options: OWN_OPTIONS,
  }
  const died = server.exited.then((exit): never => {
    gaveUp.abort()
    throw new Error(`it ended with ${exit.signal ?? `exit code ${exit.code}`}`)
  })
  try {
    await Promise.race([
      died,
      untilReady(
        address,
        {
          database: 'postgres',
          timeLimitMs: plan.startTimeoutMs,
          statement: `${lightly(plan.version)}ALTER ROLE postgres PASSWORD '${password}'`,
        },
        gaveUp.signal,
      ),
    ])
  } catch (error) {
    throw new WatertightError(
      'WATERTIGHT_SERVER_FAILED',
      `the embedded PostgreSQL ${plan.version} did not start: ${messageOf(error)}\n${server.logTail().join('\n')}`,
      { hint: 'The lines above are the last of the server log', cause: error },
    )
  }
  return password
}
