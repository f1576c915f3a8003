/** The verify stage: every probe in every world, each cell on disk as soon as it is judged. */

import type { Way } from '../../model/way.ts'
import { wayOf } from '../../probe/way.ts'
import { ToolBox } from '../../probe/tools.ts'
import { spanListener } from '../../requests/tools.ts'
import { messageOf } from '../../errors.ts'
import { noSearch, type SearchSummary } from '../../model/search-summary.ts'
import { worldKey, type WorldId } from '../../model/tenancy.ts'
import type { TimelineSpan } from '../../model/report.ts'
import type { CellVerdict, Verdict } from '../../model/verdict.ts'
import { Novelty } from '../../probe/novelty.ts'
import { askCell, cellKey, runProbe, type LoadedProbe, type RunSettings } from '../../probe/ask.ts'
import { isServed } from '../../reference/service/routes.ts'
import type { World } from '../../world/world.ts'
import type { KnownCounterexample } from './corpus.ts'
import { findCell } from './find-cell.ts'
import {
  databaseName,
  operationsDatabaseNames,
  serviceDatabaseName,
} from '../../reference/site/namespace.ts'
import type { Site } from '../../reference/site/provision.ts'
import { searchOn, type Asked } from '../../probe/rounds.ts'
import { quickLimits } from '../../probe/search-limits.ts'
import { openWorld } from '../../reference/site/worlds.ts'

export interface VerifyOptions {
  readonly worlds: readonly WorldId[]
  readonly probes: readonly LoadedProbe[]
  readonly search: RunSettings
  readonly statementTimeoutMs: number
  /** Time to search in; null asks every cell once. */
  readonly budget: Budget | null
  /** Counterexamples of earlier runs: tried before anything else. */
  readonly corpus: readonly KnownCounterexample[]
  /** Part of the questions that is asked here. Default: all of them, of the worlds' own databases. */
  readonly share?: Share
  readonly onVerdict: (verdict: Verdict) => void
  /** A world that was opened, before anything is asked in it. */
  readonly onWorld?: (world: World) => void
  /** Cases of a round of the further search. */
  readonly onRound?: (cases: number) => void
}

export interface Budget {
  readonly timeMs: number
  /** Aborted when the time is over. */
  readonly signal: AbortSignal
}

/** What is asked of pools and poolers is the first share, which has them; the rest is dealt out to the others. */
export interface Share {
  readonly index: number
  readonly of: number
  readonly databaseOf: (id: WorldId) => string
}

const spansKept = 400
/** A search mostly waits for answers; more than this and the server's cores are the limit. */
const worldsAtOnce = 3
/** Random cases of the first pass when time is given: first every cell a little, then every cell more. */
const firstPassRunsMax = 4

export interface VerifyResult {
  readonly verdicts: readonly Verdict[]
  readonly timeline: readonly TimelineSpan[]
  readonly summary: SearchSummary
}

/** A world that cannot be opened gives `unknown` for every probe that was to run in it. */
export async function verify(site: Site, options: VerifyOptions): Promise<VerifyResult> {
  const startedMs = performance.now()
  const { spans, record } = timelineFrom(startedMs)
  const search = searchWithin(
    {
      ...options.search,
      tools: (options.search.tools ?? new ToolBox()).with(spanListener, record),
    },
    options.budget,
  )
  const waiting = [...options.worlds]
  const asked: AskedWorld[] = []
  const askNext = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      asked.push(await askWorld(site, id, { ...options, search }))
    }
  }
  try {
    await Promise.all(Array.from({ length: worldsAtOnce }, askNext))
    const firstPassMs = search.signal.aborted ? null : Math.round(performance.now() - startedMs)
    const further = await searchFurther(asked, {
      ...options,
      search: { ...options.search, signal: search.signal },
    })
    const verdicts = inOrder(further.verdicts, options)
    return {
      verdicts,
      timeline: spans,
      summary: { ...further.summary, firstPassMs, known: knownOf(asked) },
    }
  } finally {
    // A connection that is lost already needs no goodbye.
    for (const { world } of asked) await world?.[Symbol.asyncDispose]().catch(() => undefined)
  }
}

/** With a budget the first pass is a quick one, so that it reaches every cell. */
function searchWithin(
  search: RunSettings,
  budget: Budget | null,
): RunSettings & { readonly signal: AbortSignal } {
  const signal = search.signal ?? new AbortController().signal
  if (budget === null) return { ...search, signal }
  return {
    ...search,
    ...quickLimits,
    runs: Math.min(search.runs, firstPassRunsMax),
    signal: AbortSignal.any([signal, budget.signal]),
    whyStopped: () =>
      signal.aborted
        ? 'the run was interrupted'
        : `the ${budget.timeMs / 1000} s of --time were over before it was asked`,
  }
}

interface AskedWorld {
  readonly world: World | null
  readonly asked: readonly Asked[]
  readonly known: SearchSummary['known']
}

async function askWorld(site: Site, id: WorldId, options: VerifyOptions): Promise<AskedWorld> {
  const world = await tryOpen(site, id, options)
  if (typeof world !== 'string') options.onWorld?.(world)
  const probes = probesFor(id, options.probes).filter((loaded, index) =>
    isMine(loaded, index, options.share),
  )
  const known =
    typeof world === 'string'
      ? new Map<string, CellVerdict>()
      : await stillLeaking(world, { ...options, probes })
  const asked: Asked[] = []
  const ask = async (lane: readonly LoadedProbe[]): Promise<void> => {
    for (const loaded of lane) {
      const verdict =
        typeof world === 'string'
          ? unreachable(loaded, { id, site, reason: world })
          : await runProbe(loaded, world, { ...options.search, known })
      asked.push({ loaded, verdict })
      options.onVerdict(verdict)
    }
  }
  await Promise.all(lanesOf(probes).map(ask))
  const tried = knownIn(options.corpus, id, probes).length
  return {
    world: typeof world === 'string' ? null : world,
    asked,
    known: { tried, leaking: known.size },
  }
}

/** What asks the service and what asks the operations have databases of their own, and wait for nobody. */
function lanesOf(probes: readonly LoadedProbe[]): readonly (readonly LoadedProbe[])[] {
  const beside: readonly Way[] = ['service', 'operations']
  const laneOf = ({ probe }: LoadedProbe) => beside.find((way) => way === wayOf(probe))
  return [undefined, ...beside].map((lane) => probes.filter((loaded) => laneOf(loaded) === lane))
}

function isMine({ probe }: LoadedProbe, index: number, share: Share | undefined): boolean {
  if (share === undefined) return true
  const way = wayOf(probe)
  const needsFirst = (way !== 'session' && way !== 'server') || probe.exhaustive === true
  return needsFirst ? share.index === 0 : 1 + (index % (share.of - 1)) === share.index
}

function knownIn(
  corpus: readonly KnownCounterexample[],
  { service, tenancy, variant }: WorldId,
  probes: readonly LoadedProbe[],
): readonly KnownCounterexample[] {
  return variant === 'as-written'
    ? []
    : corpus.filter(
        (each) =>
          each.service === service &&
          each.tenancy === tenancy &&
          probes.some(({ id }) => id === each.probe),
      )
}

/** What leaked in an earlier run and still does, by cell: the search has nothing to add to that. */
async function stillLeaking(
  world: World,
  options: VerifyOptions,
): Promise<Map<string, CellVerdict>> {
  const leaking = new Map<string, CellVerdict>()
  const { search, probes } = options
  for (const entry of knownIn(options.corpus, world.id, probes)) {
    const loaded = probes.find(({ id }) => id === entry.probe)
    const cell =
      loaded === undefined
        ? null
        : findCell(loaded.probe.cells(world, search), { ...entry, way: wayOf(loaded.probe) })
    // A table that is not there any more cannot leak; coverage names what is.
    if (loaded === undefined || cell === null) continue
    const { seed, ...replay } = entry.replay
    const verdict = await askCell(loaded, { world, cell }, { ...search, seed, replay })
    if (verdict.outcome === 'violated') leaking.set(cellKey(loaded, cell), verdict)
  }
  return leaking
}

function knownOf(asked: readonly AskedWorld[]): SearchSummary['known'] {
  const sum = (pick: (each: SearchSummary['known']) => number) =>
    asked.reduce((all, { known }) => all + pick(known), 0)
  return { tried: sum(({ tried }) => tried), leaking: sum(({ leaking }) => leaking) }
}

type Further = VerifyOptions & { readonly search: RunSettings & { readonly signal: AbortSignal } }

/** Rounds in all worlds at the same time, until the budget is used up. */
async function searchFurther(asked: readonly AskedWorld[], { budget, search, onRound }: Further) {
  const novelty = new Novelty()
  const counts = { rounds: 0, cases: 0 }
  const verdicts = (
    await Promise.all(
      asked.map(async (each) =>
        budget === null || each.world === null
          ? each.asked.map(({ verdict }) => verdict)
          : await searchOn(each.world, each.asked, {
              search,
              novelty,
              onRound: (cases) => {
                counts.rounds += 1
                counts.cases += cases
                onRound?.(cases)
              },
            }),
      ),
    )
  ).flat()
  const { sqlstates, planShapes } = novelty
  return {
    verdicts,
    summary: { ...noSearch, ...counts, budgetMs: budget?.timeMs ?? null, sqlstates, planShapes },
  }
}

type ListensToSpans = (typeof spanListener)['holds']

function timelineFrom(startedMs: number) {
  const spans: TimelineSpan[] = []
  const sinceStart = (ms: number) => Math.round((ms - startedMs) * 10) / 10
  const record: ListensToSpans = ({ world, rig }, seen) => {
    for (const span of seen.slice(0, Math.max(0, spansKept - spans.length))) {
      spans.push({
        world: world.key,
        pooler: rig.title,
        backendPid: span.pid,
        tenant: span.tenant,
        sawForeign: span.foreign,
        startMs: sinceStart(span.startMs),
        endMs: sinceStart(span.endMs),
      })
    }
  }
  return { spans, record }
}

/** A form that is reported beside the judged one is asked less. */
export function probesFor(id: WorldId, probes: readonly LoadedProbe[]): readonly LoadedProbe[] {
  return id.variant !== 'as-written'
    ? probes
    : probes.filter(({ probe }) => probe.judgedWorldsOnly !== true)
}

/** Worlds finish in any order; the record has them in the order they were asked for. */
export function inOrder(
  verdicts: readonly Verdict[],
  { worlds, probes }: Pick<VerifyOptions, 'worlds' | 'probes'>,
): readonly Verdict[] {
  const rank = (verdict: Verdict) =>
    worlds.findIndex((id) => worldKey(id) === worldKey(verdict.world)) * probes.length +
    probes.findIndex(({ id }) => id === verdict.probe)
  return verdicts.toSorted((a, b) => rank(a) - rank(b))
}

async function tryOpen(
  site: Site,
  id: WorldId,
  { statementTimeoutMs, share }: VerifyOptions,
): Promise<World | string> {
  try {
    const copy = share === undefined ? {} : { database: share.databaseOf(id) }
    // Other shares are not asked about the service and the operations, which have one copy.
    const isMine = share === undefined || share.index === 0
    const beside =
      isServed({ id }) && isMine
        ? {
            service: { database: serviceDatabaseName(site.namespace, id) },
            operations: { databases: operationsDatabaseNames(site.namespace, id) },
          }
        : {}
    return await openWorld(site, { id, statementTimeoutMs, ...copy, ...beside })
  } catch (error) {
    return `the world ${worldKey(id)} could not be opened: ${messageOf(error)}`
  }
}

interface Unreachable {
  readonly id: WorldId
  readonly site: Site
  readonly reason: string
}

function unreachable({ id, suite, probe }: LoadedProbe, where: Unreachable): Verdict {
  return {
    probe: id,
    suite,
    way: wayOf(probe),
    claim: probe.claim,
    source: probe.source,
    severity: probe.severity,
    remedy: probe.remedy,
    world: where.id,
    database: databaseName(where.site.namespace, where.id),
    basis: probe.basis,
    outcome: 'unknown',
    reason: where.reason,
    cells: [],
    durationMs: 0,
    evidence: {
      casesAsked: 0,
      casesTried: 0,
      controlsTried: 0,
      controlsSeen: 0,
      refused: 0,
      indeterminate: 0,
      sharedBackends: null,
    },
  }
}
