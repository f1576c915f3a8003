/** One trial: the probes attack a clone that carries one mutant or control, and what they say is judged. */

import { ToolBox } from '../../probe/tools.ts'
import { strategiesOnTrial } from '../../requests/tools.ts'
import { messageOf } from '../../errors.ts'
import type { Catalog } from '../../model/catalog.ts'
import type { Kill } from '../../model/report.ts'
import type { WorldId } from '../../model/tenancy.ts'
import type { Verdict } from '../../model/verdict.ts'
import type { OperationsSite } from '../../reference/operations/operations-rig.ts'
import { runProbe, type LoadedProbe, type RunSettings } from '../../probe/ask.ts'
import { templateName } from './clone-lane.ts'
import type { ClusterRoles } from './cluster-roles.ts'
import type { Mutant } from './mutant.ts'
import type { OpenSite } from '../../reference/site/open-site.ts'
import { plant } from './plant.ts'
import { adminSession, cloneDatabase, dropDatabases } from '../../reference/site/provision.ts'
import { quickLimits } from '../../probe/search-limits.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { World } from '../../world/world.ts'
import { openWorld } from '../../reference/site/worlds.ts'
import { cellChoosers, changedObjects, type CellChooser } from './changed-objects.ts'

/** Random cases per cell at most; `--runs` below it asks less. Every control meets every probe. */
const runsMax = { mutant: 10, control: 4 } as const
/** A defect of a pool shows after several steps in the right order, so its search is longer than others. */
const strategyRunsMin = 60
/** Random requests for each route while every route is asked a little. */
const glanceRuns = 2

export interface Trial {
  readonly kill: Kill | null
  readonly reason: string
  readonly silent: boolean
}

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
    const changed = changedObjects(world, await options.healthy(id))
    const probes = probesFor(mutant, options.probes, cellsOf)
    // What was changed is asked first, by every probe; only then everything else.
    const choosers = cellChoosers(changed, mutant)
    const glance = await glanceOf(world, options)
    if (glance !== null) verdicts.push(glance)
    search: for (const chooseCells of glance !== null && kills(mutant, glance) ? [] : choosers) {
      for (const loaded of probes) {
        const named = loaded.id === mutant.probe
        if (named && chooseCells !== choosers[0]) continue
        const choose =
          named && mutant.expect === 'violated'
            ? {}
            : { chooseCells: chooserFor(options, loaded, chooseCells) }
        const spread = mutant.expect === 'violated' ? {} : { cellsInBudget: cellsOf(loaded) }
        const verdict = await runProbe(loaded, world, {
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
 * A defect of the service is on some of its routes, and a request costs more than a statement: the probe that the file
 * names asks every route a little before it asks each of them everything. Null where that is not worth it.
 */
async function glanceOf(world: World, options: TrialOptions): Promise<Verdict | null> {
  const { mutant, probes } = options
  const named = mutant.http === null ? undefined : probes.find(({ id }) => id === mutant.probe)
  if (named === undefined || mutant.expect !== 'violated') return null
  return await runProbe(named, world, {
    ...searchFor(options, named),
    ...quickLimits,
    runs: glanceRuns,
  })
}

/**
 * The probe that a mutant names is given the fixed inputs of a whole run: every tenant attacks, also the
 * one in whose name the defect lies. A control is asked what a quick run asks, by every probe.
 */
function searchFor(
  { mutant, search: given }: TrialOptions,
  { id, suite }: LoadedProbe,
): RunSettings {
  // Times are measured where a mutant is about them: other trials beside would make every cell unknown.
  const search = { ...given, timing: given.timing === true && id === mutant.probe }
  const strategies =
    mutant.strategy === null
      ? {}
      : { tools: (given.tools ?? new ToolBox()).with(strategiesOnTrial, [mutant.strategy]) }
  const most = (limit: number) => Math.min(search.runs, limit)
  if (mutant.expect === 'holds') {
    // What known sequences find lies in strategies: against a shape of the database random ones are asked.
    const known = suite === 'context' && mutant.strategy === null ? { examplesMax: 0 } : {}
    return { ...search, ...quickLimits, ...known, ...strategies, runs: most(runsMax.control) }
  }
  const limits = id === mutant.probe ? {} : quickLimits
  const atLeast =
    mutant.strategy === null ? most(runsMax.mutant) : Math.max(search.runs, strategyRunsMin)
  const runs = search.runs === 0 ? 0 : atLeast
  return { ...search, ...limits, ...strategies, runs, untilFirstWitness: true }
}

/**
 * A correct shape of the database is tried with the first strategy over the driver's pool: strategies are the
 * platform's own, and `verify` asks all of them over every pooler.
 */
function chooserFor(
  { mutant }: TrialOptions,
  { suite, id }: LoadedProbe,
  usual: CellChooser,
): CellChooser {
  if (suite !== 'context' || mutant.strategy !== null || mutant.expect !== 'holds') return usual
  return (cells) => (id === 'pooled-context' ? cells.slice(0, 1) : [])
}

/** A trial that says nothing: the mutant counts as a survivor, the control as noisy. */
export function untried(reason: string): Trial {
  return { kill: null, reason, silent: false }
}

/** What a catalogue probe predicts is a kill only where no attack could show it. */
function kills(mutant: Mutant, { outcome, basis }: Verdict): boolean {
  return outcome === 'violated' && (basis === 'executed' || !mutant.attackable)
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
  const suited = probes.filter(({ id, suite }) =>
    overHttp
      ? suite === 'service'
      : mutant.operations !== null
        ? suite === 'operations'
        : mutant.strategy !== null
          ? suite === 'context'
          : suite !== 'service' &&
            suite !== 'operations' &&
            (suite !== 'server' || id === mutant.probe),
  )
  const rank = ({ id, suite, probe }: LoadedProbe) => {
    if (id === mutant.probe) return 0
    if (probe.basis !== 'executed') return mutant.attackable ? 3 : 1
    return suite === 'context' ? 2 : 1
  }
  const cells = new Map(suited.map((loaded) => [loaded.id, cellsOf(loaded)]))
  return suited.toSorted(
    (a, b) => rank(a) - rank(b) || (cells.get(a.id) ?? 0) - (cells.get(b.id) ?? 0),
  )
}

interface Pair extends AsyncDisposable {
  readonly given: { readonly operations?: OperationsSite }
}

/** Operations reach both databases: beside the trial's own clone they get one of the other. */
async function pairFor(open: OpenSite, { mutant, database }: TrialOptions): Promise<Pair> {
  const { operations: build, tenancy } = mutant
  if (build === null) return { given: {}, [Symbol.asyncDispose]: () => Promise.resolve() }
  const management = `${database}_beside`
  open.databases.add(management)
  const asAdmin = async (work: (admin: Session) => Promise<void>) => {
    await using admin = await adminSession(open.site.address, open.maintenanceDatabase)
    await work(admin)
  }
  const from = templateName(open.site, { service: 'management', tenancy, variant: 'hardened' })
  await asAdmin((admin) => cloneDatabase(admin, open.site, { from, to: management }))
  return {
    given: { operations: { databases: { management, isp: database }, build } },
    [Symbol.asyncDispose]: () => asAdmin((admin) => dropDatabases(admin, [management])),
  }
}

/** A service of its own, or a defect of the database that a probe of the service is to see. */
function asksService({ http, probe }: Mutant, probes: readonly LoadedProbe[]): boolean {
  return http !== null || probes.some(({ id, suite }) => suite === 'service' && id === probe)
}

function judgeMutant(mutant: Mutant, verdicts: readonly Verdict[], elapsedMs: number): Trial {
  const killer = verdicts.find((verdict) => kills(mutant, verdict))
  if (killer === undefined) return untried(surviving(verdicts))
  const cases = verdicts.reduce((total, { evidence }) => total + evidence.casesTried, 0)
  return {
    silent: false,
    reason: killer.reason,
    kill: {
      id: mutant.id,
      title: mutant.title,
      class: mutant.class,
      probe: killer.probe,
      basis: killer.basis,
      cases,
      ms: Math.round(elapsedMs),
    },
  }
}

function surviving(verdicts: readonly Verdict[]): string {
  const predicted = verdicts.find(({ outcome }) => outcome === 'violated')
  if (predicted !== undefined)
    return `no attack showed it; the catalogue predicts it by ${predicted.probe}: ${predicted.reason}`
  const unknown = verdicts.find(({ outcome }) => outcome === 'unknown')
  if (unknown !== undefined) return `nothing was found, and ${unsure(unknown)}`
  const cases = verdicts.reduce((total, { evidence }) => total + evidence.casesTried, 0)
  return `nothing was found in ${cases} cases of ${verdicts.length} probes`
}

/** With the first answer that was neither rows nor a refusal: it says more than their number. */
function unsure({ probe, reason, cells }: Verdict): string {
  const [answer] = cells.flatMap(({ indeterminate }) => indeterminate)
  const first = answer === undefined ? '' : ` (${answer.message}: ${answer.sql.slice(0, 120)})`
  return `${probe} is unknown: ${reason}${first}`
}

function judgeControl(verdicts: readonly Verdict[]): Trial {
  const serious = verdicts.flatMap((verdict) =>
    verdict.cells
      .filter(
        ({ outcome, counterexample }) =>
          outcome === 'violated' &&
          !['low', 'info'].includes(counterexample?.witness.severity ?? verdict.severity),
      )
      .map(({ reason }) => `${verdict.probe}: ${reason}`),
  )
  const unknown = verdicts.find(({ outcome }) => outcome === 'unknown')
  const reason = serious[0] ?? (unknown === undefined ? 'silent' : unsure(unknown))
  return {
    kill: null,
    silent: serious.length === 0 && unknown === undefined && verdicts.length > 0,
    reason,
  }
}
