/** A script that psql runs in one transaction, which stays open until its owner has seen enough to commit it. */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { devNull } from 'node:os'
import { WatertightError } from '../../errors.ts'
import { clientEnvironment, clientPrograms } from './client-programs.ts'
import type { ServerAddress } from '../session/server-address.ts'

export interface PsqlOptions {
  readonly address: ServerAddress
  readonly database: string
  /** Script to run; it must not end its transaction. */
  readonly file: string
  /** SQL that is run after it, in the same transaction; its failure undoes the script. */
  readonly proof: string
}

export class PsqlTransaction implements AsyncDisposable {
  readonly #psql: ChildProcessWithoutNullStreams
  readonly #closed: Promise<number | null>
  readonly #database: string
  #said = ''

  private constructor(psql: ChildProcessWithoutNullStreams, database: string) {
    this.#psql = psql
    this.#database = database
    this.#closed = once(psql, 'close').then(([code]) => code as number | null)
    psql.stderr.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-4_000)
    })
    // psql may be gone before it has read everything; its exit code says so.
    psql.stdin.on('error', () => undefined)
    psql.stdout.resume()
  }

  /**
   * Resolves when script and proof were run without an error, nothing committed. The newest psql is taken: an older
   * one may not know what is in the script. @throws WatertightError WATERTIGHT_PSQL with its last lines.
   * https://www.postgresql.org/docs/current/app-psql.html
   */
  static async run({ address, database, file, proof }: PsqlOptions): Promise<PsqlTransaction> {
    const [program] = await clientPrograms('psql')
    if (program === undefined) {
      throw new WatertightError('WATERTIGHT_PSQL', 'There is no psql on this machine', {
        hint: 'Install the client programs of PostgreSQL, or take full backups with --copy',
      })
    }
    const transaction = new PsqlTransaction(
      spawn(
        program.path,
        [
          '--no-psqlrc',
          '--no-password',
          '--quiet',
          '--set',
          'ON_ERROR_STOP=1',
          '--output',
          devNull,
          '--command',
          'BEGIN',
          '--file',
          file,
          '--file',
          '-',
        ],
        { env: clientEnvironment(address, database) },
      ),
      database,
    )
    await transaction.#finish(proof)
    return transaction
  }

  /** @throws WatertightError WATERTIGHT_PSQL when the server refused it: nothing of the script is left then. */
  async commit(): Promise<void> {
    this.#psql.stdin.end('COMMIT;\n')
    const code = await this.#closed
    if (code !== 0) throw this.#failure(code)
  }

  /** Without a commit before, everything is undone: the server ends a transaction whose client is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#psql.exitCode === null && this.#psql.signalCode === null) this.#psql.kill('SIGKILL')
    await this.#closed
  }

  /** Standard input stays open: its end, without a COMMIT, is what psql sees when this process is killed. */
  async #finish(proof: string): Promise<void> {
    const proved = randomBytes(16).toString('hex')
    this.#psql.stdin.write(`${proof}\n\\warn '${proved}'\n`)
    const ready = new Promise<null>((resolve) => {
      this.#psql.stderr.on('data', () => {
        if (this.#said.includes(proved)) resolve(null)
      })
    })
    const code = await Promise.race([ready, this.#closed.then((value) => ({ value }))])
    if (code !== null) throw this.#failure(code.value)
  }

  #failure(code: number | null): WatertightError {
    const last = this.#said.trim().split('\n').slice(-8).join('\n')
    return new WatertightError(
      'WATERTIGHT_PSQL',
      `psql into ${this.#database} ended with ${code}: ${last}`,
      { hint: 'The database is as it was; the lines above are its own last words' },
    )
  }
}
