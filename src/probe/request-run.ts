/**
 * Requests of several tenants over one small pool, driven step by step: what each sees is compared
 * with who it is. A request stays open between steps, as a handler does that awaits something else.
 */

import { sqlstateOf } from '../errors.ts'
import type { ContextStrategy, StrategyPool, StrategySession } from '../model/context-strategy.ts'
import type { Attempt, Row, Step, Witness } from '../model/observation.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import { identifier, literal } from '../postgres/identifier.ts'
import type { LoggedStatement, RecordedPool } from '../postgres/recorded-pool.ts'
import type { PoolerRig } from './pooler.ts'
import { strategyTenant } from './strategy-tenant.ts'
import type { Tally } from './tally.ts'
import type { World } from './world.ts'

const stepTimeoutMs = 5_000
const lossNoticedMs = 2_000

/** Ends the run at the first witness. */
export class WitnessSeen extends Error {}

export interface RunScene {
  readonly world: World
  readonly rig: PoolerRig
  readonly strategy: ContextStrategy
  readonly tally: Tally
  /** Reads the canaries of all tenants that the session can see, and the backend. */
  readonly probeSql: string
}

interface Request {
  readonly tenant: Tenant
  readonly session: StrategySession
  readonly finish: (error?: Error) => void
  readonly settled: Promise<unknown>
  /** False once the work itself may have ended or aborted the transaction. */
  contextCertain: boolean
}

export interface SeenSpan {
  readonly pid: number
  readonly tenant: TenantId
  /** From the question to its judgement, on the clock of performance.now(). */
  readonly startMs: number
  readonly endMs: number
  readonly foreign: boolean
}

export class RequestRun implements AsyncDisposable {
  readonly scene: RunScene
  readonly spans: SeenSpan[] = []
  witness: Witness | null = null
  readonly #pool: RecordedPool
  readonly #open = new Map<number, Request>()
  #witnessEntry: LoggedStatement | null = null
  readonly #askedMs = new WeakMap<readonly Row[], number>()

  constructor(scene: RunScene) {
    this.scene = scene
    this.#pool = scene.rig.open(scene.world)
  }

  /** Starts a request and keeps it open. */
  async open(slot: number, tenantId: TenantId): Promise<void> {
    const tenant = this.scene.world.tenant(tenantId)
    const entered = settleable<StrategySession>()
    const done = settleable<void>()
    const settled = this.scene.strategy.withTenant(
      this.#pool.pool,
      strategyTenant(tenant),
      async (session) => {
        entered.resolve(session)
        await done.promise
      },
    )
    settled.then(undefined, (error: unknown) => {
      entered.reject(error)
    })
    const session = await limited(entered.promise, `the request of ${tenantId} was not started`)
      .catch((error: unknown) => this.#blocked(error, tenant))
    this.#open.set(slot, {
      tenant,
      session,
      settled,
      contextCertain: true,
      finish: (error) => {
        if (error === undefined) done.resolve()
        else done.reject(error)
      },
    })
  }

  /** 25P02 before anything was asked: the connection was given back inside an aborted transaction. */
  #blocked(error: unknown, tenant: Tenant): never {
    if (sqlstateOf(error) !== '25P02') throw error
    this.#testify({
      sentence: `A request of tenant ${tenant.id} cannot begin: its connection is in another's aborted transaction`,
      rows: [], victim: tenant.id, command: this.scene.rig.title, severity: 'medium',
    })
  }

  /** The request looks for canaries; a foreign one, or none of its own, is a witness. */
  async look(slot: number): Promise<void> {
    const request = this.#open.get(slot)
    if (request === undefined) return
    const rows = await this.#ask(request.session, request)
    if (rows !== null) this.judge(rows, request.tenant, request.contextCertain)
  }

  /** SQL of the application's own that may fail or end the transaction. */
  async disturb(slot: number, sql: string): Promise<void> {
    const request = this.#open.get(slot)
    if (request === undefined) return
    request.contextCertain = false
    await limited(request.session.query(sql), `no answer to ${sql}`).catch((error: unknown) => {
      if (sqlstateOf(error) === null) this.scene.tally.addError(error, sql)
    })
  }

  /** A statement of the request that an operator cancels while it runs (57014). */
  async cancel(slot: number): Promise<void> {
    const request = this.#open.get(slot)
    const pid = this.spans.at(-1)?.pid
    if (request === undefined || pid === undefined) return
    request.contextCertain = false
    // Caught at once: it fails while the cancel is still under way.
    const sleeping = limited(request.session.query('SELECT pg_sleep(3)'), 'no answer to a cancelled statement')
      .catch((error: unknown) => {
        if (sqlstateOf(error) === null) this.scene.tally.addError(error, 'SELECT pg_sleep(3)')
      })
    const { admin } = this.scene.world
    await admin.observe({ sql: `SELECT pg_sleep(0.01), pg_cancel_backend(${pid})`, role: 'context' })
    await sleeping
  }

  /** An operator ends every idle connection of the application to this database: the pool opens new ones. */
  async loseConnections(): Promise<void> {
    const { admin, application, database } = this.scene.world
    if (this.scene.rig.kind !== 'driver') return
    const idleBefore = this.#pool.pool.idleCount
    const ended = await admin.observe({
      role: 'context',
      sql: `SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = ${literal(application)}
        AND datname = ${literal(database)} AND pid IN (${[0, ...this.spans.map(({ pid }) => pid)].join(', ')})`,
    })
    // A pool learns of it a moment later; until then it would hand out what is dead already.
    const lost = ended.kind === 'rows' ? ended.rows.length : 0
    const untilMs = performance.now() + lossNoticedMs
    while (this.#pool.pool.idleCount > idleBefore - lost && performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  /**
   * What an earlier request left on the connection for anybody to find by name: temporary tables, prepared
   * statements with its literals, cursors WITH HOLD. The request that looks binds no tenant.
   */
  async lookForLeftovers(): Promise<void> {
    const { rig } = this.scene
    const client = await limited(this.#pool.pool.connect(), 'no connection to look for leftovers')
    try {
      const rows: Row[] = [...await answered(client, leftoversSql)]
      for (const { kind, name } of rows.map((row) => ({ kind: row['kind'], name: String(row['name']) }))) {
        if (kind === 'table') rows.push(...await answered(client,
          `SELECT t::text AS row FROM pg_temp.${identifier(name)} t LIMIT 5`))
        if (kind === 'cursor') rows.push(...await answered(client, `FETCH 5 FROM ${identifier(name)}`))
      }
      const found = rows.find((row) => this.#ownersIn(row).length > 0 || this.#namesTenant(row) !== null)
      if (found === undefined) return
      const victim = this.#ownersIn(found)[0] ?? this.#namesTenant(found)
      this.#witnessEntry = this.#pool.log.at(-1) ?? null
      this.#testify({
        sentence: `A checkout finds what a request of ${victim ?? 'a tenant'} left on its connection`,
        rows: [found], victim: victim ?? null, command: rig.title, severity: 'high',
      })
    } finally {
      client.release()
    }
  }

  #namesTenant(row: Row): TenantId | null {
    const text = JSON.stringify(row)
    return this.scene.world.tenants.find(({ id }) => text.includes(literal(id)))?.id ?? null
  }

  /** Ends a request, by returning or by throwing. */
  async close(slot: number, error?: Error): Promise<void> {
    const request = this.#open.get(slot)
    if (request === undefined) return
    this.#open.delete(slot)
    request.finish(error)
    await limited(request.settled, 'the request did not end').catch((failure: unknown) => {
      if (failure !== error && sqlstateOf(failure) === null) this.scene.tally.addError(failure)
    })
  }

  /** A checkout that never names a tenant: a forgotten code path. It must see nobody's rows. */
  async lookWithoutTenant(): Promise<void> {
    const rows = await this.#ask(this.#pool.pool, null)
    if (rows === null) return
    const [foreign] = rows.flatMap((row) => this.#ownersIn(row))
    if (foreign === undefined) return
    this.#testify({
      sentence: `A checkout without a tenant reads rows of ${foreign}, whose request used the connection before`,
      rows: rows.slice(0, 5),
      victim: foreign,
      command: this.scene.rig.title,
    })
  }

  /** Judges what a request saw; `contextCertain` is false where it may rightly see nothing. */
  judge(rows: readonly Row[], tenant: Tenant, contextCertain: boolean): void {
    const owners = rows.flatMap((row) => this.#ownersIn(row))
    const foreign = owners.find((owner) => owner !== tenant.id)
    const pid = Number(rows[0]?.['pid'])
    this.scene.tally.addBackend(pid, tenant.id)
    const endMs = performance.now()
    const startMs = this.#askedMs.get(rows) ?? endMs
    this.spans.push({ pid, tenant: tenant.id, startMs, endMs, foreign: foreign !== undefined })
    if (foreign !== undefined) {
      this.#testify({
        sentence: `A request of tenant ${tenant.id} reads rows of ${foreign} on a shared connection`,
        rows: rows.slice(0, 5),
        victim: foreign,
        command: this.scene.rig.title,
      })
    }
    if (owners.length > 0) this.scene.tally.controlsSeen += 1
    else if (contextCertain) {
      this.#testify({
        sentence: `A request of tenant ${tenant.id} sees none of its own rows: its context was lost`,
        rows: rows.slice(0, 5),
        victim: tenant.id,
        command: this.scene.rig.title,
        severity: 'high',
      })
    }
  }

  get pool(): StrategyPool {
    return this.#pool.pool
  }

  /** The canary query on a session of a request; remembers it as the one a witness rests on. */
  async observe(session: StrategySession): Promise<readonly Row[]> {
    const startMs = performance.now()
    const { rows } = await limited(session.query(this.scene.probeSql), 'no answer to the canary query')
    const answer = rows as readonly Row[]
    this.#askedMs.set(answer, startMs)
    this.#witnessEntry =
      this.#pool.log.findLast(
        (entry) =>
          entry.sql === this.scene.probeSql &&
          entry.observation?.kind === 'rows' &&
          entry.observation.rows === answer,
      ) ??
      this.#pool.log.findLast((entry) => entry.sql === this.scene.probeSql) ??
      null
    return answer
  }

  /** What went over the connection that leaked, or over all of them. */
  attempt(): Attempt {
    const leaked = this.#witnessEntry
    const entries =
      leaked === null || this.scene.rig.kind === 'pgbouncer'
        ? this.#pool.log
        : this.#pool.log.filter((entry) => entry.client === leaked.client)
    const until = leaked === null ? entries : entries.slice(0, entries.indexOf(leaked) + 1)
    const steps = until.map((entry): Step => ({
      sql: entry.sql,
      role: entry === leaked ? 'attack' : 'context',
      observation: entry.observation ?? { kind: 'rows', rows: [], affected: null, truncated: false },
    }))
    return { steps, backendPid: null }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const slot of [...this.#open.keys()]) await this.close(slot)
    await this.#pool[Symbol.asyncDispose]()
  }

  async #ask(session: StrategySession, request: Request | null): Promise<readonly Row[] | null> {
    if (request !== null) this.scene.tally.controlsTried += 1
    try {
      return await this.observe(session)
    } catch (error) {
      this.#explain(error, request)
      return null
    }
  }

  /** Without a context nothing is visible, or not even the table: both are as they should be. */
  #explain(error: unknown, request: Request | null): void {
    const sqlstate = sqlstateOf(error)
    const invisible = sqlstate === '42P01' || sqlstate === '42501'
    if (request === null && invisible) return
    if (request !== null && !request.contextCertain && sqlstate !== null) return
    if (request !== null && invisible) {
      this.#witnessEntry = this.#pool.log.findLast((entry) => entry.sql === this.scene.probeSql) ?? null
      this.#testify({
        sentence: `A request of tenant ${request.tenant.id} cannot reach its own rows: its context was lost`,
        rows: [],
        victim: request.tenant.id,
        command: this.scene.rig.title,
        severity: 'high',
      })
    }
    this.scene.tally.addError(error, this.scene.probeSql)
  }

  #ownersIn(row: Row): readonly TenantId[] {
    return [...this.scene.world.ownership.ownersIn(row, { tenantColumn: 'tenant_id' })]
  }

  #testify(witness: Witness): never {
    this.witness ??= witness
    throw new WitnessSeen(witness.sentence)
  }
}

const leftoversSql = `SELECT 'statement' AS kind, name, statement FROM pg_catalog.pg_prepared_statements WHERE from_sql
  UNION ALL SELECT 'cursor', name, statement FROM pg_catalog.pg_cursors WHERE is_holdable
  UNION ALL SELECT 'table', relname, NULL FROM pg_catalog.pg_class
    WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'`

/** Inside somebody's aborted transaction nothing can be asked. */
async function answered(client: StrategySession, sql: string): Promise<readonly Row[]> {
  return await client.query(sql).then(({ rows }) => rows as readonly Row[], () => [])
}

async function limited<T>(promise: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${message} within ${stepTimeoutMs} ms`))
    }, stepTimeoutMs)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

interface Settleable<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

/** Promise.withResolvers of Node 22. */
function settleable<T>(): Settleable<T> {
  let settle: Omit<Settleable<T>, 'promise'> | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => undefined)
  if (settle === undefined) throw new Error('the promise executor did not run')
  return { promise, ...settle }
}
