/**
 * One backend connection. It runs whole attempts (context, statements, rollback) in one round trip,
 * because thousands of attempts are only affordable when they do not wait for each other's answers.
 */

import pg from 'pg'
import { messageOf, sqlstateOf, WatertightError } from '../errors.ts'
import type { Attempt, Observation, Row, Statement, Step } from '../model/observation.ts'
import { CapturingQuery, type QueryAnswer } from './capturing-query.ts'
import { isRefusal } from './sqlstate.ts'
import type { ServerAddress } from './server.ts'

export interface SessionOptions {
  readonly address: ServerAddress
  readonly database: string
  /** Login that differs from the address's own. */
  readonly login?: { readonly user: string; readonly password: string }
  /** Upper bound in ms; a smaller limit that the server already sets for this role stays. Default 10,000. */
  readonly statementTimeoutMs?: number
  /** Upper bound in ms, default 2,000. */
  readonly lockTimeoutMs?: number
  /** Queue statements without waiting for answers. Default true; COPY FROM is never queued. */
  readonly pipeline?: boolean
  readonly connectTimeoutMs?: number
}

/** What the driver needs to open a connection; values stay text so that what was seen is what was sent. */
export function clientConfig(options: SessionOptions): pg.ClientConfig {
  const { address, login } = options
  return {
    host: address.host, port: address.port, database: options.database,
    user: login?.user ?? address.user, password: login?.password ?? address.password,
    ...(address.ssl === undefined ? {} : { ssl: address.ssl as boolean }),
    ...(address.options === undefined ? {} : { options: address.options }),
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    application_name: 'watertight',
    pipeline: options.pipeline ?? true,
    types: { getTypeParser: () => (text: string) => text },
  }
}

export class Session implements AsyncDisposable {
  readonly client: pg.Client
  readonly user: string
  #backendPid: number | null = null
  #lost: Error | null = null

  private constructor(client: pg.Client, user: string) {
    this.client = client
    this.user = user
    client.on('error', (error: Error) => { this.#lost ??= error })
    client.on('end', () => { this.#lost ??= new Error('the connection has ended') })
  }

  /** @throws WatertightError WATERTIGHT_UNREACHABLE or WATERTIGHT_LOGIN_REFUSED. */
  static async connect(options: SessionOptions): Promise<Session> {
    const config = clientConfig(options)
    const session = new Session(new pg.Client(config), config.user ?? '')
    try {
      await session.client.connect()
      await session.#limit(options)
    } catch (error) {
      await session.client.end().catch(() => undefined)
      throw connectError(error, options)
    }
    return session
  }

  get backendPid(): number | null { return this.#backendPid }
  get lost(): Error | null { return this.#lost }

  /** Runs one statement and returns its rows. @throws the driver's error with its SQLSTATE. */
  async query(sql: string): Promise<readonly Row[]> {
    return (await this.#send({ sql, role: 'context' })).rows
  }

  /** Runs one statement and says what was seen; never throws. */
  async observe(statement: Statement): Promise<Observation> {
    try {
      const answer = await this.#send(statement)
      return { kind: 'rows', rows: answer.rows, affected: answer.affected, truncated: false }
    } catch (error) {
      return failureOf(error, statement.sql)
    }
  }

  /**
   * One transaction that is always rolled back. Statements that an aborted transaction did not
   * execute (25P02) are no steps: they say nothing.
   */
  async attempt(statements: readonly Statement[]): Promise<Attempt> {
    const all: Statement[] = [{ sql: 'BEGIN', role: 'context' }, ...statements]
    const rollback: Statement = { sql: 'ROLLBACK', role: 'context' }
    const sequential = statements.some((statement) => statement.copyData !== undefined)
    const observed: Observation[] = []
    if (sequential) {
      for (const statement of all) {
        const observation = await this.observe(statement)
        observed.push(observation)
      }
      await this.observe(rollback)
    } else {
      const answers = [...all, rollback].map((statement) => this.observe(statement))
      observed.push(...(await Promise.all(answers)).slice(0, all.length))
    }
    return { steps: executedSteps(all, observed), backendPid: this.#backendPid }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#lost === null) await this.client.end()
    else this.client.connection.stream.destroy()
  }

  async #limit(options: SessionOptions): Promise<void> {
    const [row] = await this.query(`SELECT pg_backend_pid() AS pid,
      (SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout') AS statement,
      (SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout') AS lock`)
    this.#backendPid = Number(row?.['pid'])
    const bounded = (current: unknown, limit: number) =>
      Number(current) > 0 ? Math.min(Number(current), limit) : limit
    const statement = bounded(row?.['statement'], options.statementTimeoutMs ?? 10_000)
    const lock = bounded(row?.['lock'], options.lockTimeoutMs ?? 2_000)
    await this.query(`SET statement_timeout = ${statement}; SET lock_timeout = ${lock}`)
  }

  #send(statement: Statement): Promise<QueryAnswer> {
    if (this.#lost !== null) return Promise.reject(this.#lost)
    return new Promise((resolve, reject) => {
      this.client.query(new CapturingQuery(statement, (error, answer) => {
        if (error === null && answer !== null) resolve(answer)
        else reject(error ?? new Error('the driver gave neither an answer nor an error'))
      }))
    })
  }
}

function executedSteps(statements: readonly Statement[], observed: readonly Observation[]): Step[] {
  const steps: Step[] = []
  for (const [index, observation] of observed.entries()) {
    const statement = statements[index]
    if (statement === undefined) break
    if (observation.kind === 'indeterminate' && observation.sqlstate === '25P02') continue
    if (index > 0 || observation.kind !== 'rows') steps.push({ ...statement, observation })
  }
  return steps
}

function failureOf(error: unknown, sql: string): Observation {
  const sqlstate = sqlstateOf(error)
  const message = messageOf(error)
  return sqlstate !== null && isRefusal(sqlstate, sql)
    ? { kind: 'refused', sqlstate, message }
    : { kind: 'indeterminate', sqlstate, message }
}

function connectError(error: unknown, options: SessionOptions): WatertightError {
  const sqlstate = sqlstateOf(error)
  const who = options.login?.user ?? options.address.user
  const where = `${options.address.host}:${options.address.port}/${options.database}`
  const refused = sqlstate?.startsWith('28') === true
  return new WatertightError(refused ? 'WATERTIGHT_LOGIN_REFUSED' : 'WATERTIGHT_UNREACHABLE',
    `The role ${who} cannot connect to ${where}: ${messageOf(error)}`,
    {
      hint: refused
        ? 'Check pg_hba.conf and the password; over a unix socket with peer login use a TCP address instead'
        : 'Check that the server runs, accepts connections from here and has the database',
      cause: error,
    })
}
