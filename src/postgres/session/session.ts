/**
 * One backend connection. It runs whole attempts (context, statements, rollback) in one round trip,
 * because thousands of attempts are only affordable when they do not wait for each other's answers.
 */

import pg from 'pg'
import { messageOf, sqlstateOf, WatertightError } from '../../errors.ts'
import type { Attempt, Observation, Row, Statement, Step } from '../../model/observation.ts'
import { CapturingQuery, type QueryAnswer } from './capturing-query.ts'
import { begin, messagesOf, rollback, rollbackBefore, stepsOf, type Message } from './messages.ts'
import { losePatience } from './patience.ts'
import { isRefusal } from './sqlstate.ts'
import type { ServerAddress } from './server-address.ts'

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
  /** Hear everything that the server would tell whoever asks for it, not warnings and notices alone. Default false. */
  readonly hearsAll?: boolean
}

/** What the driver needs to open a connection; values stay text so that what was seen is what was sent. */
export function clientConfig(options: SessionOptions): pg.ClientConfig {
  const { address, login } = options
  return {
    host: address.host,
    port: address.port,
    database: options.database,
    user: login?.user ?? address.user,
    password: login?.password ?? address.password,
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
  #copying: Promise<unknown> | null = null
  /** The last attempt's transaction is open: the next BEGIN ends it, at the latest the end of the turn. */
  #rollbackDue = false
  #previous: Promise<unknown> = Promise.resolve()
  /** Answers come in the order of the statements, so what was heard before an answer belongs to it. */
  #heard: string[] = []
  readonly #isPipelined: boolean
  readonly #lostController = new AbortController()

  private constructor(config: pg.ClientConfig) {
    this.client = new pg.Client(config)
    this.#isPipelined = config.pipeline === true
    this.user = config.user ?? ''
    const { client } = this
    const lose = (error: Error) => {
      this.#lost ??= error
      this.#lostController.abort()
    }
    client.on('error', lose)
    client.on('notice', (notice) => {
      if (this.#heard.length < noticesMax) this.#heard.push(noticeOf(notice))
    })
    client.on('end', () => {
      lose(new Error('the connection has ended'))
    })
  }

  /** @throws WatertightError WATERTIGHT_UNREACHABLE or WATERTIGHT_LOGIN_REFUSED. */
  static async connect(options: SessionOptions): Promise<Session> {
    const config = clientConfig(options)
    const session = new Session(config)
    losePatience(session.client, (options.statementTimeoutMs ?? defaultTimeoutMs) + graceMs)
    try {
      await session.client.connect()
      await session.#limit(options)
    } catch (error) {
      await session.client.end().catch(() => undefined)
      throw connectError(error, options)
    }
    return session
  }

  get backendPid(): number | null {
    return this.#backendPid
  }
  get lost(): Error | null {
    return this.#lost
  }
  /** Aborted when the connection is lost or closed. */
  get lostSignal(): AbortSignal {
    return this.#lostController.signal
  }

  /** Runs one statement and returns its rows. @throws the driver's error with its SQLSTATE. */
  async query(sql: string): Promise<readonly Row[]> {
    this.#rollBackIfDue()
    return (await this.#send({ sql, role: 'context' })).rows
  }

  /** Runs one statement and says what was seen; never throws. */
  async observe(statement: Statement): Promise<Observation> {
    this.#rollBackIfDue()
    return this.#answered(statement)
  }

  async #answered(statement: Statement): Promise<Observation> {
    try {
      const { rows, affected, notices } = await this.#send(statement)
      return { kind: 'rows', rows, affected, truncated: false, ...heard(notices) }
    } catch (error) {
      return { ...failureOf(error, statement.sql), ...heard(noticesBefore.get(error as object)) }
    }
  }

  /**
   * One transaction that is always rolled back. Statements that an aborted transaction did not
   * execute (25P02) are no steps: they say nothing.
   */
  async attempt(statements: readonly Statement[]): Promise<Attempt> {
    // Attempts of one session queue up behind each other, but nothing may slip between those of a COPY.
    while (this.#copying !== null) await this.#copying
    const copies = statements.some((statement) => statement.copyData !== undefined)
    const before = this.#rollbackDue ? [rollbackBefore] : []
    this.#rollbackDue = !copies && this.#isPipelined
    const messages = messagesOf([
      ...before,
      begin,
      ...statements,
      ...(this.#rollbackDue ? [] : [rollback]),
    ])
    const observed = copies
      ? await this.#alone(messages)
      : await Promise.all(messages.map(({ statement }) => this.#answered(statement)))
    const steps = messages.flatMap(({ parts }, index) => stepsOf(parts, observed[index]))
    return { steps, backendPid: this.#backendPid }
  }

  /** Begins a transaction that stays open until the session is closed; its statements are one after the other. */
  async attemptOpen(statements: readonly Statement[]): Promise<readonly Step[]> {
    const messages = [begin, ...statements]
    const observed = await Promise.all(messages.map((statement) => this.observe(statement)))
    return messages.flatMap((statement, index) => stepsOf([statement], observed[index]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { stream } = this.client.connection
    const { readyForQuery } = this.client as { readonly readyForQuery?: boolean }
    const limitMs = readyForQuery === true ? goodbyeMs.idle : goodbyeMs.busy
    const cutOff = setTimeout(() => stream.destroy(), limitMs)
    if (this.#lost === null) await this.client.end()
    else stream.destroy()
    clearTimeout(cutOff)
  }

  async #alone(messages: readonly Message[]): Promise<readonly Observation[]> {
    const running = this.#oneByOne(messages)
    this.#copying = running
    try {
      return await running
    } finally {
      this.#copying = null
    }
  }

  /** COPY FROM waits for its data, so nothing may be queued behind it. */
  async #oneByOne(messages: readonly Message[]): Promise<readonly Observation[]> {
    const observed: Observation[] = []
    for (const { statement } of messages) observed.push(await this.observe(statement))
    return observed
  }

  async #limit(options: SessionOptions): Promise<void> {
    if (options.login === undefined) await this.#neutralise()
    const [row] = await this.query(`SELECT pg_backend_pid() AS pid,
      (SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout') AS statement,
      (SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout') AS lock`)
    this.#backendPid = Number(row?.['pid'])
    const bounded = (current: unknown, limit: number) =>
      Number(current) > 0 ? Math.min(Number(current), limit) : limit
    const statement = bounded(row?.['statement'], options.statementTimeoutMs ?? defaultTimeoutMs)
    const lock = bounded(row?.['lock'], options.lockTimeoutMs ?? 2_000)
    const all = options.hearsAll === true ? '; SET client_min_messages = debug1' : ''
    await this.query(`SET statement_timeout = ${statement}; SET lock_timeout = ${lock}${all}`)
    this.#heard = []
  }

  /**
   * The administrator's session has the server's defaults, whatever is set for the login, the database or the
   * server: a time limit, a role or read-only transactions would end the run or make it see less.
   */
  async #neutralise(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        // Alone and first: under a limit of a millisecond only a short statement gets through, and not always.
        await this.query('SET statement_timeout = 0')
        break
      } catch (error) {
        if (sqlstateOf(error) !== '57014' || tries === neutralTriesMax) throw error
      }
    }
    await this.query(neutralSql)
    const [row] = await this.query(
      `SELECT current_setting('is_superuser') = 'off' AND current_user <> session_user AS lowered`,
    )
    if (row?.['lowered'] === 't') await this.query('SET ROLE NONE')
  }

  /** The driver's own queue is on its way out, so without pipelining each statement waits here for the one before. */
  #send(statement: Statement): Promise<Heard> {
    if (this.#isPipelined) return this.#sendNow(statement)
    const answer = this.#previous.then(() => this.#sendNow(statement))
    this.#previous = answer.catch(() => undefined)
    return answer
  }

  #sendNow(statement: Statement): Promise<Heard> {
    if (this.#lost !== null) return Promise.reject(this.#lost)
    this.#gather()
    return new Promise((resolve, reject) => {
      this.client.query(
        new CapturingQuery(statement, (error, answer) => {
          const notices = this.#heard
          this.#heard = []
          if (error === null && answer !== null) resolve({ ...answer, notices })
          else {
            const failure = error ?? new Error('the driver gave neither an answer nor an error')
            if (notices.length > 0) noticesBefore.set(failure, notices)
            reject(failure)
          }
        }),
      )
    })
  }

  /** What is sent until the event loop goes on leaves in one system call: they cost more than the messages. */
  #gather(): void {
    const { stream } = this.client.connection
    if (stream.writableCorked > 0) return
    stream.cork()
    process.nextTick(() => {
      this.#rollBackIfDue()
      stream.uncork()
    })
  }

  #rollBackIfDue(): void {
    if (!this.#rollbackDue) return
    this.#rollbackDue = false
    void this.#answered(rollback)
  }
}

interface Heard extends QueryAnswer {
  readonly notices: readonly string[]
}

/** What the server said before an error. */
const noticesBefore = new WeakMap<object, readonly string[]>()
/** Of one statement: a function that reports every row says enough with the first ones. */
const noticesMax = 200

interface Notice {
  readonly message?: string | undefined
  readonly detail?: string | undefined
  readonly hint?: string | undefined
}

function noticeOf({ message, detail, hint }: Notice): string {
  return [message, detail, hint].filter((part) => part !== undefined && part !== '').join(' / ')
}

function heard(notices: readonly string[] | undefined): Pick<Observation, 'notices'> {
  return notices === undefined || notices.length === 0 ? {} : { notices }
}

const defaultTimeoutMs = 10_000
/** Beyond the time limit of a statement: cancelling, a loaded machine, a slow line. */
const graceMs = 20_000
/** Within these a server that is well has closed a connection, without and with something that still runs. */
const goodbyeMs = { idle: 1_000, busy: 20_000 }

const neutralTriesMax = 50
/** Names that an older server does not know are left out. */
const neutralSql = `SELECT set_config(name, value, false) FROM (VALUES
  ('idle_session_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('transaction_timeout', '0'),
  ('default_transaction_read_only', 'off'), ('default_transaction_isolation', 'read committed'),
  ('row_security', 'on'), ('transform_null_equals', 'off')) wanted (name, value)
  WHERE name IN (SELECT name FROM pg_catalog.pg_settings)`

function failureOf(error: unknown, sql: string): Observation {
  const sqlstate = sqlstateOf(error)
  const detail = (error as { detail?: unknown } | null)?.detail
  const message =
    typeof detail === 'string' && detail !== ''
      ? `${messageOf(error)} (${detail})`
      : messageOf(error)
  return sqlstate !== null && isRefusal(sqlstate, sql)
    ? { kind: 'refused', sqlstate, message }
    : { kind: 'indeterminate', sqlstate, message }
}

/** What a connection that was not made is told as. */
export function connectError(error: unknown, options: SessionOptions): WatertightError {
  const sqlstate = sqlstateOf(error)
  const who = options.login?.user ?? options.address.user
  const where = `${options.address.host}:${options.address.port}/${options.database}`
  const hint = loginHintOf(sqlstate)
  return new WatertightError(
    hint === null ? 'WATERTIGHT_UNREACHABLE' : 'WATERTIGHT_LOGIN_REFUSED',
    `The role ${who} cannot connect to ${where}: ${messageOf(error)}`,
    {
      hint:
        hint ?? 'Check that the server runs, accepts connections from here and has the database',
      cause: error,
    },
  )
}

/** By SQLSTATE: what to look at where the server answered and let nobody in. */
const loginHints: Readonly<Record<string, string>> = {
  '42501': 'The login needs CONNECT on the database (GRANT CONNECT ON DATABASE)',
  '53300': 'max_connections is reached, or a CONNECTION LIMIT of the role or the database',
  '57014': 'statement_timeout of the role, the database or the server is too short to log in with',
  '57P05':
    'idle_session_timeout of the role, the database or the server is too short to log in with',
  '58P01':
    'See session_preload_libraries of the role (ALTER ROLE ... RESET), the database, the server',
}
const refusedHint =
  'Check the password and its VALID UNTIL, NOLOGIN and pg_hba.conf (with peer login over a socket use TCP)'

/** Null where the server did not answer, or for another reason than the login. */
function loginHintOf(sqlstate: string | null): string | null {
  const hint =
    sqlstate?.startsWith('28') === true ? refusedHint : (loginHints[sqlstate ?? ''] ?? null)
  return hint === null
    ? null
    : `${hint}, or name another login in the DSN: postgres://USER@HOST/DATABASE`
}
