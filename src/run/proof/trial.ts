/** One trial: the probes attack a clone that carries one mutant or control, and what they say is judged. */

import { isPooled, wayOf } from '../../probe/way.ts'
import { messageOf } from '../../errors.ts'
import type { Catalog } from '../../model/catalog.ts'
import type { WorldId } from '../../model/tenancy.ts'
import type { Verdict } from '../../model/verdict.ts'
import { runProbe, type LoadedProbe, type RunSettings } from '../../probe/ask.ts'
import type { ClusterRoles } from './cluster-roles.ts'
import type { Mutant } from './mutant.ts'
import type { OpenSite } from '../../reference/site/open-site.ts'
import { plant } from './plant.ts'
import { quickLimits } from '../../probe/search-limits.ts'
import type { World } from '../../world/world.ts'
import { openWorld } from '../../reference/site/worlds.ts'
import { cellChoosers, changedObjects } from './changed-objects.ts'
import { asVersion, versionIn } from './version-mutant.ts'
import { ownVerdicts } from './own-verdicts.ts'
import { chooserFor, glanceRuns, searchFor } from './trial-budget.ts'
import { judgeControl, judgeMutant, untried, type Trial } from './judge-trial.ts'
import { kills } from './kill-witness.ts'
import { pairFor } from './operations-pair.ts'

export interface TrialOptions {
  readonly mutant: Mutant
  readonly database: string
  readonly probes: readonly LoadedProbe[]
  readonly search: RunSettings
  readonly statementTimeoutMs: number
  /** What the untouched world looks like. */
  readonly healthy: (id: WorldId) => Promise<Catalog>
  /** The server's roles as they must stay while others are tried; null when nobody else is. */
  readonly unchanged: ClusterRoles | null
  /** Proves the probe that the mutant belongs to, by that probe alone. Default: whoever sees it kills it. */
  readonly ownOnly?: boolean | undefined
}

/** Null when the mutant must be tried alone; never throws: what could not be tried survives with the reason. */
export async function tryMutant(open: OpenSite, options: TrialOptions): Promise<Trial | null> {
  const { mutant, database, statementTimeoutMs } = options
  const startedMs = performance.now()
  try {
    if (!(await plant(open, options))) return null
    const id = { service: mutant.service, tenancy: mutant.tenancy, variant: 'hardened' } as const
    // The clone is the trial's alone, so the service may commit in it.
    const service = asksService(mutant, options.probes)
      ? { service: { database, ...(mutant.http === null ? {} : { build: mutant.http }) } }
      : {}
    await using pair = await pairFor(open, options)
    await using world = await openWorld(open.site, {
      id,
      database,
      statementTimeoutMs,
      ...service,
      ...pair.given,
    })
    const verdicts: Verdict[] = []
    const cellsOf = (loaded: LoadedProbe) =>
      loaded.probe.cells(world, searchFor(options, loaded)).length
    const version = versionIn(mutant)
    const asked = version === null ? world : asVersion(world, version)
    const changed = changedObjects(world, await options.healthy(id))
    const probes = probesFor(mutant, options.probes, cellsOf)
    // What was changed is asked first, by every probe; only then everything else.
    const choosers = cellChoosers(changed, mutant)
    if (options.ownOnly === true) {
      verdicts.push(...(await ownVerdicts(asked, options, choosers)))
      return judgeMutant(mutant, verdicts, performance.now() - startedMs)
    }
    verdicts.push(...(await glancesOf(world, options)))
    const seen = verdicts.some((verdict) => kills(mutant, verdict))
    search: for (const chooseCells of seen ? [] : choosers) {
      for (const loaded of probes) {
        const named = loaded.id === mutant.probe
        if (named && chooseCells !== choosers[0]) continue
        const choose =
          named && mutant.expect === 'violated'
            ? {}
            : { chooseCells: chooserFor(options, loaded, chooseCells) }
        const spread = mutant.expect === 'violated' ? {} : { cellsInBudget: cellsOf(loaded) }
        const verdict = await runProbe(loaded, named ? asked : world, {
          ...searchFor(options, loaded),
          ...choose,
          ...spread,
        })
        if (verdict.cells.length > 0 || verdict.outcome === 'unknown') verdicts.push(verdict)
        if (mutant.expect === 'violated' && kills(mutant, verdict)) break search
      }
    }
    return mutant.expect === 'violated'
      ? judgeMutant(mutant, verdicts, performance.now() - startedMs)
      : judgeControl(verdicts)
  } catch (error) {
    return untried(`it could not be tried: ${messageOf(error)}`)
  }
}

/**
 * A defect of the service is on some of its routes, and a request costs more than a statement: every route is asked a
 * little before each of them is asked everything. Empty where that is not worth it.
 */
async function glancesOf(world: World, options: TrialOptions): Promise<readonly Verdict[]> {
  const { mutant, probes } = options
  if (mutant.http === null || mutant.expect !== 'violated') return []
  const verdicts: Verdict[] = []
  for (const loaded of probes.filter(({ id, probe }) =>
    mutant.probe === null ? wayOf(probe) === 'service' : id === mutant.probe,
  )) {
    const search = { ...searchFor(options, loaded), ...quickLimits, runs: glanceRuns }
    const verdict = await runProbe(loaded, world, search)
    if (verdict.cells.length > 0) verdicts.push(verdict)
    if (kills(mutant, verdict)) break
  }
  return verdicts
}

/** The probe that the file names comes first, then those with few cells, predictions last. */
function probesFor(
  mutant: Mutant,
  probes: readonly LoadedProbe[],
  cellsOf: (loaded: LoadedProbe) => number,
): readonly LoadedProbe[] {
  // What is wrong with the server is wrong in every clone: it says nothing about this one.
  // And the service commits: whoever asks it asks nothing else of the clone.
  const overHttp = asksService(mutant, probes)
  const suited = probes.filter(({ id, probe }) => {
    const way = wayOf(probe)
    if (overHttp) return way === 'service'
    if (mutant.operations !== null) return way === 'operations'
    if (mutant.strategy !== null) return isPooled(way)
    return isPooled(way) || way === 'session' || (way === 'server' && id === mutant.probe)
  })
  const rank = ({ id, probe }: LoadedProbe) => {
    if (id === mutant.probe) return 0
    if (probe.basis !== 'executed') return mutant.attackable ? 3 : 1
    return isPooled(wayOf(probe)) ? 2 : 1
  }
  const cells = new Map(suited.map((loaded) => [loaded.id, cellsOf(loaded)]))
  return suited.toSorted(
    (a, b) => rank(a) - rank(b) || (cells.get(a.id) ?? 0) - (cells.get(b.id) ?? 0),
  )
}

/** A service of its own, or a defect of the database that a probe of the service is to see. */
function asksService({ http, probe }: Mutant, probes: readonly LoadedProbe[]): boolean {
  return (
    http !== null || probes.some((each) => wayOf(each.probe) === 'service' && each.id === probe)
  )
}
