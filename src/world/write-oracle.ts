/**
 * What a write really did, to any table: the attack runs as the application inside an administrator's
 * transaction, the server's own counters name the tables it touched (by triggers and cascades too),
 * and their rows are compared by owner and content before everything is rolled back.
 */

import { relationKey, type Relation } from '../model/catalog.ts'
import type { Attempt, Observation, Statement, Step } from '../model/observation.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import { sqlstateOf } from '../errors.ts'
import { identifier } from '../sql/identifier.ts'
import {
  begin,
  messagesOf,
  rollback,
  rollbackBefore,
  stepsOf,
  type Message,
} from '../postgres/session/messages.ts'
import { Session } from '../postgres/session/session.ts'
import { readCoupling, type Coupling } from './coupling.ts'
import { readGroups, type Groups } from './row-groups.ts'
import { look, readableBy, sightSavepoint, type Sight } from './sight.ts'
import type { World } from './world.ts'

export interface Change {
  /** `schema.name`. */
  readonly relation: string
  /** Null for rows that no tenant of the world owns. */
  readonly owner: TenantId | null
  readonly rowsBefore: number
  readonly rowsAfter: number
}

export interface Written {
  readonly attempt: Attempt
  /** Rows of others that are not what they were; empty when the attack changed nothing or its own rows only. */
  readonly changes: readonly Change[]
  /** Rows that the attacker reads afterwards: written by the act, or with a mark of somebody else. */
  readonly sights: readonly Sight[]
  /** True when it sees nothing foreign any more once it has entered its own context again. */
  readonly contextMoved: boolean
}

export interface WriteOptions {
  /** Run before as others would have, and no attack. */
  readonly setup?: readonly Statement[]
  /** Read everything that the attacker may read, whatever was touched. Default: what was touched, and what it opens. */
  readonly looksEverywhere?: boolean
  /** A statement that fails is undone by itself, and the others count. Default: the first failure ends the act. */
  readonly goesOn?: boolean
}

interface Looked {
  readonly tenant: Tenant
  readonly touched: readonly Relation[]
  readonly looksEverywhere: boolean
}

const resign: Statement = { sql: 'RESET ROLE; RESET SESSION AUTHORIZATION', role: 'context' }
/** Takes back that the administrator has resigned, and leaves what the act did. */
const asLooking: Statement = { sql: `ROLLBACK TO SAVEPOINT ${sightSavepoint}`, role: 'context' }
const nothing = { changes: [], sights: [], contextMoved: false } as const

export class WriteOracle implements AsyncDisposable {
  readonly #world: World
  readonly #session: Session
  readonly #before = new Map<string, Groups>()
  /** One transaction at a time: the counters and the comparison are the session's. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Acts whose turn has not come. */
  #waiting = 0
  /** The transaction of the act before is open until the next one ends it. */
  #rollbackDue = false
  #coupling: Coupling | null = null

  private constructor(world: World, session: Session) {
    this.#world = world
    this.#session = session
  }

  static async open(world: World): Promise<WriteOracle> {
    const { address, database } = world.options
    return new WriteOracle(
      world,
      await Session.connect({ address, database, hearsAll: true, statementTimeoutMs: 10_000 }),
    )
  }

  get lost(): boolean {
    return this.#session.lost !== null
  }

  /** Runs the statements as the attacker, up to what their transaction would do at its commit. */
  run(
    attacker: Tenant,
    statements: readonly Statement[],
    options: WriteOptions = {},
  ): Promise<Written> {
    this.#waiting += 1
    const mine = this.#turn.then(() => {
      this.#waiting -= 1
      return this.#run(attacker, statements, options)
    })
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]()
  }

  async #run(
    attacker: Tenant,
    statements: readonly Statement[],
    { setup = [], looksEverywhere = false, goesOn = false }: WriteOptions,
  ): Promise<Written> {
    const world = this.#world
    const become: Statement = {
      sql: `SET LOCAL SESSION AUTHORIZATION ${identifier(world.application)}`,
      role: 'context',
    }
    const opening = [...(this.#rollbackDue ? [rollbackBefore] : []), begin]
    this.#rollbackDue = false
    try {
      this.#coupling ??= await readCoupling(this.#session)
      const prepared =
        setup.length === 0 ? [] : await this.#send([...opening, become, ...setup, resign])
      const before = setup.length === 0 ? null : await this.#groups(this.#tables())
      const entered = [...(setup.length === 0 ? opening : []), become, ...world.enter(attacker)]
      const { steps, touched } = goesOn
        ? await this.#goOn(entered, statements)
        : await this.#settled([...entered, ...statements])
      const attempt = { steps: [...prepared, ...steps], backendPid: this.#session.backendPid }
      if (touched === null) return { attempt, ...nothing }
      const { after, ...seen } = await this.#seenAndChanged({
        tenant: attacker,
        touched,
        looksEverywhere,
      })
      if (touched.length === 0) return { attempt, ...nothing, ...seen }
      if (before === null) await this.#readBaseline(touched)
      return { attempt, ...seen, changes: changesOf(before ?? this.#before, after, attacker.id) }
    } finally {
      // The next act is waiting already, and begins with it.
      if (this.#waiting > 0) this.#rollbackDue = true
      else void this.#session.observe(rollback)
    }
  }

  /** What the statements did up to what their commit would do; `touched` is null when one of them failed. */
  async #settled(
    statements: readonly Statement[],
  ): Promise<{ steps: readonly Step[]; touched: readonly Relation[] | null }> {
    if (statements.some(({ copyData }) => copyData !== undefined)) {
      const steps = await this.#send(statements)
      return { steps, touched: areRows(steps) ? await this.#touched(await this.#settle()) : null }
    }
    const [steps, settled] = await Promise.all([this.#send(statements), this.#settle()])
    return { steps, touched: areRows(steps) ? await this.#touched(settled) : null }
  }

  /** One after the other; what fails is undone before the next one. */
  async #goOn(
    entered: readonly Statement[],
    statements: readonly Statement[],
  ): Promise<{ steps: readonly Step[]; touched: readonly Relation[] }> {
    const steps: Step[] = [...(await this.#send(entered))]
    let hasFailed = false
    for (const statement of statements) {
      const undo: string = hasFailed ? 'ROLLBACK TO SAVEPOINT watertight_act; ' : ''
      const ready = { sql: `${undo}SAVEPOINT watertight_act`, role: 'context' } as const
      const [, observation]: readonly Observation[] = await Promise.all([
        this.#session.observe(ready),
        this.#session.observe(statement),
      ])
      if (observation === undefined) continue
      steps.push({ ...statement, observation })
      hasFailed = observation.kind !== 'rows'
    }
    if (hasFailed)
      void this.#session.observe({ sql: 'ROLLBACK TO SAVEPOINT watertight_act', role: 'context' })
    return { steps, touched: await this.#touched(await this.#settle()) }
  }

  /**
   * Deferred triggers and constraints fire now, as they would at the commit. Where they refuse it, what was done
   * until then is looked at: a policy that let it pass is open, whatever stopped it afterwards.
   */
  #settle(): Promise<Observation> {
    return this.#session.observe({
      sql: `SAVEPOINT watertight_commit; SET CONSTRAINTS ALL IMMEDIATE; ${this.#touchedSql()}`,
      role: 'context',
    })
  }

  async #touched(settled: Observation): Promise<readonly Relation[]> {
    const rows =
      settled.kind === 'rows'
        ? settled.rows
        : await this.#session.query(
            `ROLLBACK TO SAVEPOINT watertight_commit; ${this.#touchedSql()}`,
          )
    const oids = new Set(rows.map((row) => Number(row['oid'])))
    return this.#written().filter(({ oid }) => oids.has(oid))
  }

  #written(): readonly Relation[] {
    return this.#world.catalog.relations.filter(({ kind }) => kind !== 'view')
  }

  /**
   * Tables with inserted, updated or deleted rows in this transaction, whoever caused it. The functions behind
   * pg_stat_xact_all_tables are asked of the tables that can change, because the view reads all of pg_class:
   * https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-FUNCTIONS
   */
  #touchedSql(): string {
    const count = (what: string) => `pg_catalog.pg_stat_get_xact_tuples_${what}(r.oid::oid)`
    const oids = this.#written().map(({ oid }) => oid)
    return `SELECT r.oid FROM pg_catalog.unnest(ARRAY[${oids.join(',')}]::int[]) AS r (oid)
      WHERE ${['inserted', 'updated', 'deleted'].map(count).join(' + ')} > 0`
  }

  /** What the attacker reads now, and what the administrator finds in the tables that were touched. */
  async #seenAndChanged({
    tenant,
    touched,
    looksEverywhere,
  }: Looked): Promise<
    Pick<Written, 'sights' | 'contextMoved'> & { after: ReadonlyMap<string, Groups> }
  > {
    const world = this.#world
    const relations = this.#readAfter(touched, { tenant, looksEverywhere })
    const looked = look(this.#session, world, { tenant, relations })
    // Sent behind it at once, as whoever the session is then; where looking failed, it is asked again.
    const counted = this.#groups(touched, [resign.sql]).catch((error: unknown) => {
      if (sqlstateOf(error) !== '25P02') throw error
      return null
    })
    const [sights, early] = await Promise.all([looked, counted])
    const after = early ?? (await this.#groups(touched, [resign.sql]))
    if (!sights.some((sight) => this.#isForeign(sight, tenant)))
      return { sights, contextMoved: false, after }
    const back = await this.#send([asLooking, ...world.enter(tenant)])
    const again = await look(this.#session, world, { tenant, relations })
    const contextMoved = areRows(back) && !again.some((sight) => this.#isForeign(sight, tenant))
    return { sights, contextMoved, after }
  }

  /** What the attacker may read and is asked after an act that touched these. */
  #readAfter(
    touched: readonly Relation[],
    { tenant, looksEverywhere }: Omit<Looked, 'touched'>,
  ): readonly Relation[] {
    const oids = new Set(touched.flatMap(({ oid }) => [oid, ...(this.#coupling?.get(oid) ?? [])]))
    const names = new Set(touched.flatMap(({ parent }) => (parent === null ? [] : [parent])))
    return readableBy(this.#world, tenant).filter(
      (relation) => looksEverywhere || oids.has(relation.oid) || names.has(relationKey(relation)),
    )
  }

  #isForeign({ row }: Sight, { id }: Tenant): boolean {
    return [...this.#world.ownership.ownersIn(row)].some((owner) => owner !== id)
  }

  /** Pipelined, unless COPY has to wait for its data. */
  async #send(statements: readonly Statement[]): Promise<readonly Step[]> {
    const messages = messagesOf(statements)
    const observe = ({ statement }: Message) => this.#session.observe(statement)
    const observed: Step['observation'][] = []
    if (statements.some(({ copyData }) => copyData !== undefined)) {
      for (const message of messages) observed.push(await observe(message))
    } else observed.push(...(await Promise.all(messages.map(observe))))
    return messages.flatMap(({ parts }, index) => stepsOf(parts, observed[index]))
  }

  /** What holds rows. */
  #tables(): readonly Relation[] {
    return this.#world.catalog.relations.filter(
      ({ kind }) => kind === 'table' || kind === 'partition',
    )
  }

  async #groups(
    relations: readonly Relation[],
    first: readonly string[] = [],
  ): Promise<ReadonlyMap<string, Groups>> {
    if (relations.length === 0) return new Map()
    return readGroups(this.#session, this.#world, { relations, first })
  }

  /** What the tables held before; it stays true because nothing is ever committed. */
  async #readBaseline(relations: readonly Relation[]): Promise<void> {
    const missing = relations.filter((relation) => !this.#before.has(relationKey(relation)))
    if (missing.length === 0) return
    const groups = await this.#groups(missing, ['ROLLBACK', 'BEGIN'])
    for (const [key, group] of groups) this.#before.set(key, group)
  }
}

function areRows(steps: readonly Step[]): boolean {
  return steps.every(({ observation }) => observation.kind === 'rows')
}

/** Owners whose rows are not what they were; the attacker may do with its own what it likes. */
export function changesOf(
  before: ReadonlyMap<string, Groups>,
  after: ReadonlyMap<string, Groups>,
  attacker: TenantId,
): readonly Change[] {
  return [...after].flatMap(([relation, groups]) => {
    const then = before.get(relation) ?? new Map<TenantId | null, { rows: number; hash: string }>()
    return [...new Set([...then.keys(), ...groups.keys()])].flatMap((owner): Change[] => {
      const [was, is] = [then.get(owner), groups.get(owner)]
      if (owner === attacker || (was?.rows === is?.rows && was?.hash === is?.hash)) return []
      return [{ relation, owner, rowsBefore: was?.rows ?? 0, rowsAfter: is?.rows ?? 0 }]
    })
  })
}
