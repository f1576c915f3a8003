/** Strategies tried alone, on databases that stay open: what a proof does, without its clones. */

import { ToolBox } from '../probe/tools.ts'
import { poolerRigs, strategiesOnTrial } from '../requests/tools.ts'
import { driverPool, type PoolerRig } from '../requests/pooler.ts'
import { runProbe } from '../probe/ask.ts'
import type { World } from '../world/world.ts'
import type { ContextStrategy } from '../model/context-strategy.ts'
import type { TenancyName, WorldId } from '../model/tenancy.ts'
import type { Verdict } from '../model/verdict.ts'
import { planSeed } from '../reference/seed/plan.ts'
import type { Mutant } from '../run/proof/mutant.ts'
import { databaseName } from '../reference/site/namespace.ts'
import { openSite, type OpenSite } from '../reference/site/open-site.ts'
import { cloneDatabase, createWorldDatabase, dropDatabases } from '../reference/site/provision.ts'
import { loadProbes } from '../probe/load-probes.ts'
import { openWorld } from '../reference/site/worlds.ts'

const statementTimeoutMs = 10_000

export interface TrialOptions {
  readonly seed: number
  /** Sequences, known ones among them, at least 12 of them random; default 10. */
  readonly runs?: number
  /** Known sequences tried first; default all. */
  readonly examplesMax?: number
  /** Default: the driver's pool. */
  readonly poolers?: readonly PoolerRig[]
}

export interface StrategyTrialOptions extends TrialOptions {
  /** Id of a context probe. */
  readonly probe: string
  readonly tenancy: TenancyName
  /** Default: the healthy one of the tenancy. */
  readonly world?: World
}

export class StrategyTrials implements AsyncDisposable {
  readonly #open: OpenSite
  readonly #worlds: ReadonlyMap<TenancyName, World>

  private constructor(open: OpenSite, worlds: ReadonlyMap<TenancyName, World>) {
    this.#open = open
    this.#worlds = worlds
  }

  /** A server of its own, and one database of each tenancy. */
  static async open(seed = 1): Promise<StrategyTrials> {
    const open = await openSite({
      target: null,
      plan: planSeed({ seed, tenants: 8, rows: 20 }),
      keep: false,
    })
    const worlds = new Map<TenancyName, World>()
    for (const tenancy of ['row-level-security', 'schema-per-tenant'] as const) {
      const id: WorldId = { service: 'isp', tenancy, variant: 'hardened' }
      const database = databaseName(open.site.namespace, id)
      open.databases.add(database)
      await createWorldDatabase(open.site, open.admin, id)
      await cloneDatabase(open.admin, open.site, { from: database, to: `${database}_healthy` })
      worlds.set(tenancy, await openWorld(open.site, { id, statementTimeoutMs }))
    }
    return new StrategyTrials(open, worlds)
  }

  world(tenancy: TenancyName): World {
    const world = this.#worlds.get(tenancy)
    if (world === undefined) throw new Error(`no world of ${tenancy}`)
    return world
  }

  /** The verdict of the probe that the file names, on the mutant's strategy alone. */
  async try(mutant: Mutant, options: TrialOptions): Promise<Verdict> {
    const { strategy, probe, tenancy, sql } = mutant
    if (probe === null || strategy === null) throw new Error(`${mutant.id} names no context probe`)
    const trial = { ...options, probe, tenancy }
    if (sql === null) return this.tryStrategy(strategy, trial)
    // What one mutant plants must neither meet nor help the next one.
    const { id, database } = this.world(tenancy)
    const names = { from: `${database}_healthy`, to: `${database}_planted` }
    await cloneDatabase(this.#open.admin, this.#open.site, names)
    try {
      await using world = await openWorld(this.#open.site, {
        id,
        database: names.to,
        statementTimeoutMs,
      })
      await world.admin.query(sql)
      return await this.tryStrategy(strategy, { ...trial, world })
    } finally {
      await dropDatabases(this.#open.admin, [names.to])
    }
  }

  async tryStrategy(strategy: ContextStrategy, options: StrategyTrialOptions): Promise<Verdict> {
    const { seed, runs = 10, examplesMax, poolers = [driverPool], probe: id, tenancy } = options
    const probe = (await loadProbes()).find((each) => each.id === id)
    if (probe === undefined) throw new Error(`no probe ${id}`)
    return runProbe(probe, options.world ?? this.world(tenancy), {
      seed,
      runs,
      tools: new ToolBox().with(poolerRigs, poolers).with(strategiesOnTrial, [strategy]),
      ...(examplesMax === undefined ? {} : { examplesMax }),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const world of this.#worlds.values()) await world[Symbol.asyncDispose]()
    await this.#open[Symbol.asyncDispose]()
  }
}
