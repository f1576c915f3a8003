/** A real driver pool that remembers every statement it sent, so that a leak can be replayed in psql. */

import type { Socket } from 'node:net'
import pg, { type PoolConfig } from 'pg'
import { messageOf, sqlstateOf } from '../../errors.ts'
import type { Observation, Row } from '../../model/observation.ts'
import { literal } from '../../sql/identifier.ts'
import { endsTransaction, raiseSql, type PlannedTrouble } from './raised-trouble.ts'
import { clientConfig, type SessionOptions } from './session.ts'

export interface LoggedStatement {
  /** Number of the connection within this pool, from 0. */
  readonly client: number
  /** Parameters are put in as literals. */
  readonly sql: string
  observation: Observation | null
}

export interface PoolOptions extends SessionOptions {
  /** Connections at most. */
  readonly max: number
  /** Loans of one connection before it is replaced; 0 is without limit. */
  readonly maxUses?: number
  /** Makes its clients. Default: the driver's own. */
  readonly Client?: PoolConfig['Client']
}

export class RecordedPool implements AsyncDisposable {
  readonly pool: pg.Pool
  readonly log: LoggedStatement[] = []
  /** What a coming statement runs into, once. */
  trouble: PlannedTrouble | null = null
  readonly #lent = new Set<pg.PoolClient>()
  readonly #ended = new WeakSet<pg.PoolClient>()
  /** Of backends that are gone: the driver learns it a moment later. */
  readonly #awaited = new Set<pg.PoolClient>()
  #clients = 0

  constructor(options: PoolOptions) {
    this.pool = new pg.Pool({
      ...clientConfig({ pipeline: false, ...options }),
      max: options.max,
      idleTimeoutMillis: 0,
      ...(options.maxUses === undefined ? {} : { maxUses: options.maxUses }),
      ...(options.Client === undefined ? {} : { Client: options.Client }),
    })
    // Idle connections that die must not end the process; the next checkout shows the error.
    this.pool.on('error', (error) => {
      this.log.push({ client: -1, sql: '-- idle connection lost', observation: failure(error) })
    })
    this.pool.on('connect', (client) => {
      // A connection that dies on loan must not end the process either; its next query fails.
      client.on('error', (error) => {
        this.log.push({ client: -1, sql: '-- connection lost', observation: failure(error) })
      })
      client.once('end', () => {
        this.#ended.add(client)
        if (this.#awaited.delete(client) && this.#lent.has(client)) client.release(true)
      })
      this.#record(client)
    })
    this.pool.on('acquire', (client) => this.#lent.add(client))
    this.pool.on('release', (_error, client) => {
      this.#lent.delete(client)
      this.#awaited.delete(client)
    })
  }

  /** Gives back the clients that borrowers still hold although their connections have ended, or end yet. */
  giveBackEnded(): void {
    for (const client of this.#lent) {
      if (this.#ended.has(client)) client.release(true)
      else this.#awaited.add(client)
    }
  }

  /** Ends whatever is still lent. */
  giveBackAll(): void {
    for (const client of this.#lent) client.release(true)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.end()
  }

  #record(client: pg.PoolClient): void {
    const number = this.#clients++
    const send = client.query.bind(client) as (...args: unknown[]) => unknown
    const recorded = (...asked: unknown[]): unknown => {
      const args = this.#troubled(asked)
      const entry: LoggedStatement = { client: number, sql: textOf(args), observation: null }
      this.log.push(entry)
      const last = args.at(-1)
      if (typeof last === 'function')
        return send(...args.slice(0, -1), watch(entry, last as Callback))
      const failsToEnd = args !== asked && endsTransaction(textOf(asked))
      const answer = failsToEnd ? rolledBack(send, args) : send(...args)
      if (answer instanceof Promise) {
        answer.then(
          (result: pg.QueryResult<Row>) => {
            entry.observation = success(result)
          },
          (error: unknown) => {
            entry.observation = failure(error)
          },
        )
      }
      return answer
    }
    Object.assign(client, { query: recorded })
  }

  /** What is sent in place of a statement whose turn it is to fail. */
  #troubled(args: unknown[]): unknown[] {
    const planned = this.trouble
    if (planned === null) return args
    this.trouble = planned.after === 0 ? null : { ...planned, after: planned.after - 1 }
    if (planned.after > 0) return args
    const callback = args.at(-1)
    return [
      raiseSql(planned.code, textOf(args)),
      ...(typeof callback === 'function' ? [callback] : []),
    ]
  }
}

/** Everything that `send` asks leaves in one write. Waits for no answer only in a pool that pipelines. */
export function inOneWrite<T>(client: object, send: () => T): T {
  const { stream } = (client as { readonly connection: { readonly stream: Socket } }).connection
  stream.cork()
  try {
    return send()
  } finally {
    stream.uncork()
  }
}

/** The failure is told when the transaction has ended. */
async function rolledBack(send: (...args: unknown[]) => unknown, args: readonly unknown[]) {
  try {
    return (await send(...args)) as pg.QueryResult<Row>
  } catch (error) {
    await send('ROLLBACK')
    throw error
  }
}

type Callback = (error: unknown, result: pg.QueryResult<Row>) => void

function watch(entry: LoggedStatement, done: Callback): Callback {
  return (error, result) => {
    entry.observation = error ? failure(error) : success(result)
    done(error, result)
  }
}

function success(result: pg.QueryResult<Row> | pg.QueryResult<Row>[]): Observation {
  const last = Array.isArray(result) ? result.at(-1) : result
  return {
    kind: 'rows',
    rows: last?.rows ?? [],
    affected: last?.rowCount ?? null,
    truncated: false,
  }
}

function failure(error: unknown): Observation {
  return { kind: 'indeterminate', sqlstate: sqlstateOf(error), message: messageOf(error) }
}

function textOf(args: readonly unknown[]): string {
  const [first, second] = args
  const config =
    typeof first === 'object' && first !== null
      ? (first as { text?: unknown; values?: unknown })
      : null
  const text = String(config?.text ?? first)
  const values = config?.values ?? second
  if (!Array.isArray(values)) return text
  return text.replace(/\$(\d+)/g, (whole, digits: string) => {
    const index = Number(digits) - 1
    if (index >= values.length) return whole
    const value: unknown = values[index]
    return literal(value === null || value === undefined ? null : String(value))
  })
}
