/**
 * What a write really did, to any table: the attack runs as the application inside an administrator's
 * transaction, the server's own counters name the tables it touched (by triggers and cascades too),
 * and their rows are compared by owner and content before everything is rolled back.
 */

import { relationKey, type Relation } from '../model/catalog.ts'
import type { Attempt, Statement, Step } from '../model/observation.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import { identifier } from '../sql/identifier.ts'
import { Session } from '../postgres/session/session.ts'
import { readCoupling, type Coupling } from './coupling.ts'
import { readGroups, type Groups } from './row-groups.ts'
import { look, readableBy, type Sight } from './sight.ts'
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

const nothing = { changes: [], sights: [], contextMoved: false } as const

/**
 * Tables with inserted, updated or deleted rows in this transaction, whoever caused it. The functions behind
 * pg_stat_xact_all_tables are asked of the tables that can change, because the view reads all of pg_class:
 * https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-FUNCTIONS
 */
function touchedSql(oids: readonly number[]): string {
  const count = (what: string) => `pg_catalog.pg_stat_get_xact_tuples_${what}(r.oid::oid)`
  return `SELECT r.oid FROM pg_catalog.unnest(ARRAY[${oids.join(',')}]::int[]) AS r (oid)
  WHERE ${['inserted', 'updated', 'deleted'].map(count).join(' + ')} > 0`
}

export class WriteOracle implements AsyncDisposable {
  readonly #world: World
  readonly #session: Session
  readonly #before = new Map<string, Groups>()
  /** One transaction at a time: the counters and the comparison are the session's. */
  #turn: Promise<unknown> = Promise.resolve()
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
    const mine = this.#turn.then(() => this.#run(attacker, statements, options))
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
    const resign: Statement = { sql: 'RESET ROLE; RESET SESSION AUTHORIZATION', role: 'context' }
    try {
      this.#coupling ??= await readCoupling(this.#session)
      await this.#session.observe({ sql: 'BEGIN', role: 'context' })
      const prepared = setup.length === 0 ? [] : await this.#send([become, ...setup, resign])
      const before = setup.length === 0 ? null : await this.#groups(this.#tables())
      const entered = [become, ...world.enter(attacker)]
      const steps = goesOn
        ? [...(await this.#send(entered)), ...(await this.#eachAlone(statements))]
        : await this.#send([...entered, ...statements])
      const attempt = { steps: [...prepared, ...steps], backendPid: this.#session.backendPid }
      if (!goesOn && steps.some(({ observation }) => observation.kind !== 'rows'))
        return { attempt, ...nothing }
      const touched = await this.#touchedAtCommit()
      const seen = await this.#sights(attacker, touched, looksEverywhere)
      await this.#session.query(resign.sql)
      if (touched.length === 0) return { attempt, ...nothing, ...seen }
      const after = await this.#groups(touched)
      await this.#session.query('ROLLBACK')
      return {
        attempt,
        ...seen,
        changes: changesOf(before ?? (await this.#baseline(touched)), after, attacker.id),
      }
    } finally {
      await this.#session.observe({ sql: 'ROLLBACK', role: 'context' })
    }
  }

  /** One after the other; what fails is undone before the next one. */
  async #eachAlone(statements: readonly Statement[]): Promise<readonly Step[]> {
    const steps: Step[] = []
    for (const statement of statements) {
      const [, observation] = await Promise.all([
        this.#session.observe({ sql: 'SAVEPOINT watertight_act', role: 'context' }),
        this.#session.observe(statement),
      ])
      steps.push({ ...statement, observation })
      if (observation.kind !== 'rows')
        await this.#session.observe({
          sql: 'ROLLBACK TO SAVEPOINT watertight_act',
          role: 'context',
        })
    }
    return steps
  }

  /**
   * Deferred triggers and constraints fire now, as they would at the commit. Where they refuse it, what was done
   * until then is looked at: a policy that let it pass is open, whatever stopped it afterwards.
   */
  async #touchedAtCommit(): Promise<readonly Relation[]> {
    const context = (sql: string) => this.#session.observe({ sql, role: 'context' })
    const [, settled] = await Promise.all([
      context('SAVEPOINT watertight_commit'),
      context('SET CONSTRAINTS ALL IMMEDIATE'),
    ])
    if (settled?.kind !== 'rows') await context('ROLLBACK TO SAVEPOINT watertight_commit')
    return this.#touched()
  }

  async #sights(
    tenant: Tenant,
    touched: readonly Relation[],
    everywhere: boolean,
  ): Promise<Pick<Written, 'sights' | 'contextMoved'>> {
    const world = this.#world
    const oids = new Set(touched.flatMap(({ oid }) => [oid, ...(this.#coupling?.get(oid) ?? [])]))
    const names = new Set(touched.flatMap(({ parent }) => (parent === null ? [] : [parent])))
    const relations = readableBy(world, tenant).filter(
      (relation) => everywhere || oids.has(relation.oid) || names.has(relationKey(relation)),
    )
    const there = { tenant, relations }
    const sights = await look(this.#session, world, there)
    if (!sights.some((sight) => this.#isForeign(sight, tenant)))
      return { sights, contextMoved: false }
    const back = await this.#send(world.enter(tenant))
    const again = await look(this.#session, world, there)
    const contextMoved =
      back.every(({ observation }) => observation.kind === 'rows') &&
      !again.some((sight) => this.#isForeign(sight, tenant))
    return { sights, contextMoved }
  }

  #isForeign({ row }: Sight, { id }: Tenant): boolean {
    return [...this.#world.ownership.ownersIn(row)].some((owner) => owner !== id)
  }

  /** Pipelined, unless COPY has to wait for its data; what an aborted transaction skipped is no step. */
  async #send(statements: readonly Statement[]): Promise<readonly Step[]> {
    const steps: Step[] = []
    const keep = (statement: Statement, observation: Step['observation']) => {
      if (observation.kind !== 'indeterminate' || observation.sqlstate !== '25P02')
        steps.push({ ...statement, observation })
    }
    if (statements.some(({ copyData }) => copyData !== undefined)) {
      for (const statement of statements) keep(statement, await this.#session.observe(statement))
    } else {
      const observed = await Promise.all(
        statements.map((statement) => this.#session.observe(statement)),
      )
      observed.forEach((observation, index) => {
        const statement = statements[index]
        if (statement !== undefined) keep(statement, observation)
      })
    }
    return steps
  }

  async #touched(): Promise<readonly Relation[]> {
    const all = this.#world.catalog.relations.filter(({ kind }) => kind !== 'view')
    if (all.length === 0) return []
    const seen = await this.#session.query(touchedSql(all.map(({ oid }) => oid)))
    const oids = new Set(seen.map((row) => Number(row['oid'])))
    return all.filter(({ oid }) => oids.has(oid))
  }

  /** What holds rows. */
  #tables(): readonly Relation[] {
    return this.#world.catalog.relations.filter(
      ({ kind }) => kind === 'table' || kind === 'partition',
    )
  }

  async #groups(relations: readonly Relation[]): Promise<ReadonlyMap<string, Groups>> {
    const entries = await Promise.all(
      relations.map(
        async (relation) =>
          [relationKey(relation), await readGroups(this.#session, this.#world, relation)] as const,
      ),
    )
    return new Map(entries)
  }

  /** Read when the transaction is gone; it stays true because nothing is ever committed. */
  async #baseline(relations: readonly Relation[]): Promise<ReadonlyMap<string, Groups>> {
    const missing = relations.filter((relation) => !this.#before.has(relationKey(relation)))
    for (const [key, groups] of await this.#groups(missing)) this.#before.set(key, groups)
    return this.#before
  }
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
