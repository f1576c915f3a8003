/**
 * Requests of several tenants over small pools, driven step by step: what each sees is compared
 * with who it is. A request stays open between steps, as a handler does that awaits something else.
 */

import { AsyncResource } from 'node:async_hooks'
import { sqlstateOf } from '../errors.ts'
import type { StrategyClient, StrategyPool, StrategySession } from '../model/context-strategy.ts'
import type { Attempt, Row, Step, Witness } from '../model/observation.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import type { Lease } from '../postgres/session/warm-connections.ts'
import type { LoggedStatement, RecordedPool } from '../postgres/session/recorded-pool.ts'
import { isInterruption } from '../postgres/session/sqlstate.ts'
import { backendIn } from './backend-in.ts'
import type { RunScene } from './run-scene.ts'
import { strategyTenant } from './strategy-tenant.ts'
import { limited, settleable } from './settleable.ts'

/** Statements within which a strategy without a transaction binds its tenant. */
const boundWithin = 4

/** A backend that two runs have used was emptied in between: only within a run it was shared. */
let runs = 0

/** Ends the run at the first witness. */
export class WitnessSeen extends Error {}

/** A loan of a session to one tenant, from the strategy's first statement to its last. */
export interface Request {
  readonly tenant: Tenant
  readonly session: StrategySession
  readonly pool: StrategyPool
  /** Runs a step as the work itself would, in its asynchronous context. */
  readonly inside: <T>(step: () => Promise<T>) => Promise<T>
  readonly finish: (error?: Error) => void
  readonly settled: Promise<unknown>
  /** False once the work itself may have ended or aborted the transaction. */
  contextCertain: boolean
  /** True once the connection was cut: any error is in order. */
  cut: boolean
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
  readonly lease: Lease
  readonly #number: number
  readonly spans: SeenSpan[] = []
  witness: Witness | null = null
  /** Called at the witness, before what led to it goes on. */
  onWitness: () => void = () => undefined
  /** Steps that were executed, as they are printed. */
  readonly steps: string[] = []
  /** A session that its request has given back, kept by work that was not awaited. */
  handedBack: { readonly session: StrategySession; readonly tenant: Tenant } | null = null
  readonly #pools: RecordedPool[] = []
  readonly #open = new Map<number, Request>()
  #witnessEntry: { readonly pool: RecordedPool; readonly entry: LoggedStatement } | null = null
  readonly #askedMs = new WeakMap<readonly Row[], number>()

  /** `isFresh`: on connections that nobody has used. Default false. */
  constructor(scene: RunScene, { isFresh = false } = {}) {
    this.scene = scene
    this.lease = scene.warm.lease({ isFresh })
    this.#number = runs++
    this.#poolNumber(0)
  }

  get openRequests(): number {
    return this.#open.size
  }
  get pools(): readonly RecordedPool[] {
    return this.#pools
  }
  get pool(): StrategyPool {
    return this.#poolNumber(0).pool
  }

  request(slot: number): Request | null {
    return this.#open.get(slot) ?? null
  }

  /** Starts a request and keeps it open. `pool` 1 is a second pool of the same process. */
  async open(slot: number, tenantId: TenantId, pool = 0): Promise<void> {
    const tenant = this.scene.world.tenant(tenantId)
    this.#open.set(slot, await this.begin(tenant, this.#poolNumber(pool).pool))
  }

  /** A request outside the slots; whoever begins it must end it. */
  async begin(tenant: Tenant, pool: StrategyPool): Promise<Request> {
    const entered = settleable<{ session: StrategySession; resource: AsyncResource }>()
    const done = settleable<void>()
    const settled = this.scene.strategy.withTenant(
      pool,
      strategyTenant(tenant),
      async (session) => {
        entered.resolve({ session, resource: new AsyncResource('request') })
        await done.promise
      },
    )
    settled.then(undefined, (error: unknown) => {
      entered.reject(error)
    })
    const { session, resource } = await limited(
      entered.promise,
      `the request of ${tenant.id} was not started`,
    ).catch((error: unknown) => this.#blocked(error, tenant))
    return {
      tenant,
      session,
      pool,
      settled,
      contextCertain: true,
      cut: false,
      inside: (step) => resource.runInAsyncScope(step),
      finish: (error) => {
        if (error === undefined) done.resolve()
        else done.reject(error)
      },
    }
  }

  /** 25P02 before anything was asked: the connection was given back inside an aborted transaction. */
  #blocked(error: unknown, tenant: Tenant): never {
    if (sqlstateOf(error) === '25P02') {
      this.#remember((entry) => entry.observation !== null && entry.observation.kind !== 'rows')
      this.testify({
        sentence: `A request of tenant ${tenant.id} cannot begin: its connection is in another's aborted transaction`,
        rows: [],
        victim: tenant.id,
        severity: 'medium',
      })
    }
    throw error
  }

  /** The request looks for canaries; a foreign one, or none of its own, is a witness. */
  async look(slot: number): Promise<void> {
    const request = this.#open.get(slot)
    if (request !== undefined) await this.lookAs(request)
  }

  /** As `look`, with another statement that answers as the canary query does. */
  async lookAs(request: Request, sql = this.scene.probeSql): Promise<void> {
    this.scene.tally.controlsTried += 1
    try {
      const rows = await request.inside(() => this.observe(request.session, sql))
      this.judge(rows, request.tenant, request.contextCertain)
    } catch (error) {
      if (error instanceof WitnessSeen) throw error
      this.#explain(error, request, sql)
    }
  }

  /** SQL of the application's own that may fail or end the transaction; true when it succeeded. */
  async disturb(slot: number, sql: string, { certain = false } = {}): Promise<boolean> {
    const request = this.#open.get(slot)
    if (request === undefined) return false
    if (!certain) request.contextCertain = false
    try {
      await request.inside(() => limited(request.session.query(sql), `no answer to ${sql}`))
      return true
    } catch (error) {
      if (sqlstateOf(error) === null && !request.cut) this.scene.tally.addError(error, sql)
      return false
    }
  }

  /** Ends a request, by returning or by throwing. */
  async close(slot: number, error?: Error): Promise<void> {
    const request = this.#open.get(slot)
    if (request === undefined) return
    this.#open.delete(slot)
    await this.end(request, error)
  }

  async end(request: Request, error?: Error): Promise<void> {
    request.finish(error)
    await limited(request.settled, 'the request did not end').catch((failure: unknown) => {
      if (failure === error || request.cut) return
      if (sqlstateOf(failure) === null) this.scene.tally.addError(failure)
    })
    if (!request.cut) this.handedBack = request
    // A strategy that forgets clients of dead connections starves its pool, but shows nobody's rows.
    else for (const pool of this.#pools) pool.giveBackEnded()
  }

  /** Judges what a request saw; `contextCertain` is false where it may rightly see nothing. */
  judge(rows: readonly Row[], tenant: Tenant, contextCertain: boolean): void {
    const owners = rows.flatMap((row) => this.ownersIn(row))
    const foreign = owners.find((owner) => owner !== tenant.id)
    const endMs = performance.now()
    const startMs = this.#askedMs.get(rows) ?? endMs
    const pid = backendIn(rows)
    if (pid !== null) {
      this.scene.tally.addBackend(`${this.#number} ${pid}`, tenant.id)
      this.spans.push({ pid, tenant: tenant.id, startMs, endMs, foreign: foreign !== undefined })
    }
    if (foreign !== undefined) {
      this.testify({
        sentence: `A request of tenant ${tenant.id} reads rows of ${foreign} on a shared connection`,
        rows,
        victim: foreign,
      })
    }
    const claim = this.claimsIn(rows).find((each) => each.tenant.id !== tenant.id)
    if (claim !== undefined) {
      this.testify({
        sentence: `A request of tenant ${tenant.id} runs in the context of ${claim.tenant.id}, says ${claim.by}`,
        rows,
        victim: claim.tenant.id,
        severity: 'high',
      })
    }
    if (owners.length > 0) this.scene.tally.controlsSeen += 1
    else if (contextCertain && this.#wasInterrupted()) {
      this.scene.tally.addError(
        new Error('the server interrupted what was to bind the tenant'),
        this.scene.probeSql,
      )
    } else if (contextCertain) {
      this.testify({
        sentence: `A request of tenant ${tenant.id} sees none of its own rows: its context was lost`,
        rows,
        victim: tenant.id,
        severity: 'high',
      })
    }
  }

  /** A BEGIN that ran into a time limit binds nothing, and what is sent behind it runs alone: that proves nothing. */
  #wasInterrupted(): boolean {
    const asked = this.#witnessEntry
    if (asked === null) return false
    const {
      pool: { log },
      entry,
    } = asked
    const until = log.slice(0, log.indexOf(entry)).filter(({ client }) => client === entry.client)
    const begun = until.findLastIndex(({ sql }) => /^\s*(begin|start)\b/i.test(sql))
    return until
      .slice(begun < 0 ? -boundWithin : begun)
      .some(
        ({ observation }) =>
          observation?.kind === 'indeterminate' && isInterruption(observation.sqlstate),
      )
  }

  /** A query on a session; remembers it as the one a witness rests on. */
  async observe(session: StrategySession, sql = this.scene.probeSql): Promise<readonly Row[]> {
    const startMs = performance.now()
    try {
      const { rows } = await limited(session.query(sql), `no answer to ${sql}`)
      const answer = rows as readonly Row[]
      this.#askedMs.set(answer, startMs)
      this.#remember(
        (entry) => entry.observation?.kind === 'rows' && entry.observation.rows === answer,
      )
      return answer
    } catch (error) {
      this.#remember((entry) => entry.sql === sql)
      throw error
    }
  }

  /** As `observe`, for a message whose answer is the driver's own. */
  async ask(session: StrategySession, sql: string): Promise<unknown> {
    const answer = await limited(session.query(sql), 'no answer to what is seen')
    this.#remember((entry) => entry.sql === sql)
    return answer
  }

  /** Every connection that was given back, lent once more; behind a pooler the one that all clients share. */
  async usedClients(): Promise<readonly StrategyClient[]> {
    const clients: StrategyClient[] = []
    for (const { pool } of this.#pools) {
      const many = this.scene.rig.kind === 'driver' ? pool.idleCount : 1
      for (let number = 0; number < many; number += 1) {
        const client = await pool.connect().catch(() => null)
        if (client !== null) clients.push(client as StrategyClient)
      }
    }
    return clients
  }

  /** What went over the connections so far. */
  sent(): readonly string[] {
    return this.#pools.flatMap(({ log }) => log.map(({ sql }) => sql))
  }

  ownersIn(row: Row): readonly TenantId[] {
    return [...this.scene.world.ownership.ownersOf(row, null)]
  }

  claimsIn(rows: readonly Row[]) {
    const { world } = this.scene
    return world.context.claims(rows[0], world.tenants)
  }

  /** Ends the run, unless what was shown is too slight for this search: then it is only remembered. */
  testify(witness: Omit<Witness, 'command'>): void {
    const { scene } = this
    if (witness.severity === 'low' && !scene.low.counts) {
      scene.low.seen = true
      return
    }
    this.witness ??= { ...witness, rows: witness.rows.slice(0, 5), command: scene.rig.title }
    this.onWitness()
    throw new WitnessSeen(witness.sentence)
  }

  /** Connections that the driver believes idle; what dies among them, it learns a moment later. */
  get idleConnections(): number {
    return this.#pools.reduce((total, { pool }) => total + pool.idleCount, 0)
  }

  /** What went over the connection that leaked, or over all of them. */
  attempt(): Attempt {
    const leaked = this.#witnessEntry
    const log = leaked === null ? this.#pools.flatMap((pool) => pool.log) : leaked.pool.log
    const entries =
      leaked === null || this.scene.rig.kind === 'pgbouncer'
        ? log
        : log.filter((entry) => entry.client === leaked.entry.client)
    const until = leaked === null ? entries : entries.slice(0, entries.indexOf(leaked.entry) + 1)
    const steps = until.map((entry): Step => ({
      sql: entry.sql,
      role: entry === leaked?.entry ? 'attack' : 'context',
      observation: entry.observation ?? {
        kind: 'rows',
        rows: [],
        affected: null,
        truncated: false,
      },
    }))
    return { steps, backendPid: null }
  }

  /** Ends the requests that are still open. */
  async closeAll(): Promise<void> {
    for (const slot of [...this.#open.keys()]) await this.close(slot)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeAll()
    this.lease.over()
    // A strategy that keeps a client for itself must not keep the search waiting.
    for (const pool of this.#pools) {
      await limited(
        pool[Symbol.asyncDispose](),
        'the pool did not end: a client was not given back',
      ).catch((error: unknown) => {
        this.scene.tally.addError(error)
      })
    }
    await limited(this.lease.ended(), 'a connection did not end').catch((error: unknown) => {
      this.scene.tally.addError(error)
    })
  }

  #poolNumber(number: number): RecordedPool {
    const existing = this.#pools[number]
    if (existing !== undefined) return existing
    const made = this.scene.rig.open(this.scene.world, this.lease)
    this.#pools[number] = made
    return made
  }

  #remember(isIt: (entry: LoggedStatement) => boolean): void {
    for (const pool of this.#pools) {
      const entry = pool.log.findLast(isIt)
      if (entry !== undefined) this.#witnessEntry = { pool, entry }
    }
  }

  /** Without a context not even the table is visible: that is in order only where the work ended it. */
  #explain(error: unknown, request: Request, sql: string): void {
    if (request.cut) return
    const sqlstate = sqlstateOf(error)
    if (!request.contextCertain && sqlstate !== null) return
    if (sqlstate === '42P01' || sqlstate === '42501') {
      this.testify({
        sentence: `A request of tenant ${request.tenant.id} cannot reach its own rows: its context was lost`,
        rows: [],
        victim: request.tenant.id,
        severity: 'high',
      })
    }
    this.scene.tally.addError(error, sql)
  }
}
