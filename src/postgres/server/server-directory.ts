/**
 * The directory of one running server, with a watchdog over it from before it exists until after the
 * server has stopped, so there is no moment in which our death leaves something behind.
 */

import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { giveTo, type RunAs } from './run-as.ts'
import { privateDirectoryMode } from './cache-directory.ts'
import { identifyProcess, processScope } from './process-identity.ts'
import {
  isAbandoned,
  readServerRecord,
  type ServerRecord,
  type ShutdownStep,
  writeServerRecord,
} from './server-record.ts'
import { buryAbandoned, Watchdog } from './watchdog.ts'

export type { ShutdownStep } from './server-record.ts'

export interface ServerDirectoryOptions {
  readonly cache: string
  readonly runAs: RunAs | null
  readonly shutdown: readonly ShutdownStep[]
  /** Name of the directory, inside, in which the server writes postmaster.pid. */
  readonly dataDirectory?: string
}

/** Short, because a Unix socket's path must fit into 104 bytes together with all above it. */
const SERVERS = 'servers'
const RECORD_MISSING_MAX_MS = 60 * 60 * 1_000

export class ServerDirectory {
  readonly path: string
  readonly #watchdog: Watchdog
  readonly #runAs: RunAs | null
  #record: ServerRecord

  private constructor(record: ServerRecord, watchdog: Watchdog, runAs: RunAs | null) {
    this.path = record.directory
    this.#record = record
    this.#watchdog = watchdog
    this.#runAs = runAs
  }

  static async create(options: ServerDirectoryOptions): Promise<ServerDirectory> {
    const servers = join(options.cache, SERVERS)
    const directory = join(servers, randomBytes(4).toString('hex'))
    const owner = await identifyProcess(process.pid)
    if (owner === null)
      throw new Error(`process ${process.pid}, which is ourselves, cannot be identified`)
    await mkdir(servers, { recursive: true, mode: 0o700 })
    await chmod(servers, privateDirectoryMode(options.runAs))
    const watchdog = await Watchdog.start(options.cache, directory)
    try {
      await mkdir(directory, { mode: 0o700 })
    } catch (error) {
      // Above all when the name is taken: the watchdog must not bury what is not ours.
      await watchdog.release()
      throw error
    }
    await chmod(directory, privateDirectoryMode(options.runAs))
    const record: ServerRecord = {
      scope: await processScope(),
      owner,
      process: null,
      directory,
      shutdown: options.shutdown,
      dataDirectory:
        options.dataDirectory === undefined ? null : join(directory, options.dataDirectory),
    }
    await writeServerRecord(record)
    return new ServerDirectory(record, watchdog, options.runAs)
  }

  get watchdogPid(): number | undefined {
    return this.#watchdog.pid
  }

  /** Makes a directory, inside, that the server's user alone may enter. */
  async makePrivate(name: string): Promise<string> {
    const path = join(this.path, name)
    await mkdir(path, { mode: 0o700 })
    await giveTo(this.#runAs, path)
    return path
  }

  /** Records which process now lives here. A process that is already gone is not recorded. */
  async adopt(pid: number): Promise<void> {
    this.#record = { ...this.#record, process: await identifyProcess(pid) }
    await writeServerRecord(this.#record)
  }

  /** Removes everything and lets the watchdog go; the server must have stopped. */
  async release(): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 10 })
    await this.#watchdog.release()
  }
}

/** Stops and removes the servers of runs that are proven to be gone; leaves all others alone. */
export async function buryStaleServers(cache: string): Promise<void> {
  const servers = join(cache, SERVERS)
  const names = await readdir(servers).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  await Promise.all(
    names.map(async (name) => {
      const directory = join(servers, name)
      const record = await readServerRecord(directory)
      if (record === null) await removeWithoutRecord(directory)
      else if (await isAbandoned(record)) await buryAbandoned(cache, directory)
    }),
  )
}

/** A directory gets its record at once, before any server; after an hour nobody is still about to write it. */
async function removeWithoutRecord(directory: string): Promise<void> {
  const found = await stat(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found === null || Date.now() - found.mtimeMs < RECORD_MISSING_MAX_MS) return
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
}
