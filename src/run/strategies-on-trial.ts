/** Strategies tried alone, on databases that stay open: what a proof does, without its clones. */

import { driverPool } from '../probe/pooler.ts'
import type { PoolerRig } from '../probe/pooler.ts'
import { runProbe } from '../probe/run.ts'
import type { World } from '../probe/world.ts'
import type { TenancyName, WorldId } from '../model/tenancy.ts'
import type { Verdict } from '../model/verdict.ts'
import { planSeed } from '../seed/plan.ts'
import type { Mutant } from './mutant.ts'
import { databaseName } from './namespace.ts'
import { openSite, type OpenSite } from './open-site.ts'
import { createWorldDatabase } from './provision.ts'
import { loadProbes } from './suites.ts'
import { openWorld } from './worlds.ts'

export interface TrialOptions {
  readonly seed: number
  /** Sequences are twice as many; default 10, as in a proof. */
  readonly runs?: number
  /** Known sequences tried first; default all. */
  readonly examplesMax?: number
  /** Default: the driver's pool. */
  readonly poolers?: readonly PoolerRig[]
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
    const open = await openSite({ target: null, plan: planSeed({ seed, tenants: 8, rows: 20 }), keep: false })
    const worlds = new Map<TenancyName, World>()
    for (const tenancy of ['row-level-security', 'schema-per-tenant'] as const) {
      const id: WorldId = { service: 'isp', tenancy, variant: 'hardened' }
      open.databases.add(databaseName(open.site.namespace, id))
      await createWorldDatabase(open.site, open.admin, id)
      worlds.set(tenancy, await openWorld(open.site, { id, statementTimeoutMs: 10_000 }))
    }
    return new StrategyTrials(open, worlds)
  }

  world(tenancy: TenancyName): World {
    const world = this.#worlds.get(tenancy)
    if (world === undefined) throw new Error(`no world of ${tenancy}`)
    return world
  }

  /** The verdict of the probe that the file names, on the strategy alone. */
  async try(mutant: Mutant, { seed, runs = 10, examplesMax, poolers = [driverPool] }: TrialOptions): Promise<Verdict> {
    const probe = (await loadProbes()).find(({ id }) => id === mutant.probe)
    if (probe === undefined || mutant.strategy === null) throw new Error(`${mutant.id} names no context probe`)
    const world = this.world(mutant.tenancy)
    if (mutant.sql !== null) await world.admin.query(mutant.sql)
    return runProbe(probe, world, {
      seed, runs, poolers, strategies: [mutant.strategy], ...(examplesMax === undefined ? {} : { examplesMax }),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const world of this.#worlds.values()) await world[Symbol.asyncDispose]()
    await this.#open[Symbol.asyncDispose]()
  }
}
