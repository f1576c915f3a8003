/** The pgbouncers of the matrix: one process for each version and setup, started when a cell first asks. */

import { messageOf } from '../../errors.ts'
import {
  startPgbouncer,
  type Pgbouncer,
  type PgbouncerBinary,
} from '../../postgres/programs/pgbouncer.ts'
import type { PoolerUser } from '../../postgres/programs/pgbouncer-files.ts'
import type { ServerAddress } from '../../postgres/session/server-address.ts'
import { isAtLeast, type PoolerSetup } from './cells.ts'

/** Cells take turns on this many names, so that none meets the server connection of the one before. */
const aliasesPerDatabase = 64

export interface MatrixOptions {
  readonly binaries: readonly PgbouncerBinary[]
  readonly server: ServerAddress
  /** Database through which readiness is proven. */
  readonly through: string
  readonly databases: readonly string[]
  readonly user: PoolerUser
}

export interface Opened {
  readonly address: ServerAddress
  /** A name for the database that was not used for a while. */
  readonly alias: string
}

export class MatrixServers implements AsyncDisposable {
  readonly #options: MatrixOptions
  readonly #started = new Map<string, Promise<Pgbouncer | string>>()
  #turn = 0

  constructor(options: MatrixOptions) {
    this.#options = options
  }

  get binaries(): readonly PgbouncerBinary[] {
    return this.#options.binaries
  }

  /** Where to connect; a text says why this version or setup cannot be had. */
  async open(
    binary: PgbouncerBinary,
    setup: PoolerSetup,
    database: string,
  ): Promise<Opened | string> {
    const key = `${binary.path} ${setup.kind} ${setup.title}`
    const starting = this.#started.get(key) ?? this.#start(binary, setup)
    this.#started.set(key, starting)
    const pgbouncer = await starting
    if (typeof pgbouncer === 'string') return pgbouncer
    const index = this.#options.databases.indexOf(database)
    this.#turn = (this.#turn + 1) % aliasesPerDatabase
    return { address: pgbouncer.address, alias: index < 0 ? database : `m${index}_${this.#turn}` }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const starting of this.#started.values()) {
      const pgbouncer = await starting
      if (typeof pgbouncer !== 'string') await pgbouncer.stop()
    }
  }

  async #start(binary: PgbouncerBinary, setup: PoolerSetup): Promise<Pgbouncer | string> {
    const missing = whyMissing(binary, setup)
    if (missing !== null) return missing
    const { server, through, databases, user } = this.#options
    const aliases = new Map(
      databases.flatMap((database, index) =>
        Array.from(
          { length: aliasesPerDatabase },
          (_, number) => [`m${index}_${number}`, database] as const,
        ),
      ),
    )
    try {
      return await startPgbouncer({
        binary,
        server,
        database: through,
        aliases,
        users: [user],
        poolSize: 1,
        poolMode:
          setup.kind === 'pgbouncer session'
            ? 'session'
            : setup.kind === 'pgbouncer statement'
              ? 'statement'
              : 'transaction',
        settings: { server_idle_timeout: '1', query_wait_timeout: '5', ...setup.ini },
      })
    } catch (error) {
      return messageOf(error).split('\n')[0] ?? 'it could not be started'
    }
  }
}

/** Null when this version knows the settings of the setup. */
export function whyMissing(
  { version }: PgbouncerBinary,
  { since, title }: PoolerSetup,
): string | null {
  if (since === undefined) return null
  return isAtLeast(version, since)
    ? null
    : `pgbouncer ${version} has no ${title}: it came with ${since.join('.')}`
}
