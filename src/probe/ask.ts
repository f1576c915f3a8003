/** Runs one probe in one world and merges its cells into a verdict; a leak is a value, never an exception. */

import { wayOf } from './way.ts'
import { messageOf } from '../errors.ts'
import type { CellVerdict, Evidence, Outcome, Verdict } from '../model/verdict.ts'
import { worstOutcome } from '../judge/order.ts'
import type { Cell, Lack, Probe, Scene, SearchSettings } from './define.ts'
import type { CellObservations } from './observed.ts'
import { Tally } from './tally.ts'
import type { World } from '../world/world.ts'

/** Why a probe without cells says nothing: it was asked, and had nothing to ask. */
export const nothingHasThisPath = 'nothing in this database has this path'

export interface LoadedProbe {
  /** File name without extension. */
  readonly id: string
  readonly suite: string
  readonly probe: Probe
}

export interface RunSettings extends SearchSettings {
  /** Needs that this run cannot serve. Default: it serves all of them. */
  readonly lacks?: readonly Lack[]
  /** Which cells are asked, and in which order. Default: all, as the probe gives them. */
  readonly chooseCells?: (cells: readonly Cell[]) => readonly Cell[]
  /** Cells over which the random cases are spread. Default: those that are asked. */
  readonly cellsInBudget?: number
  /** Ends the search of a probe at its first witness. */
  readonly untilFirstWitness?: boolean
  /** Cells that are violated already, by `cellKey`: a counterexample of an earlier run still leaks. */
  readonly known?: ReadonlyMap<string, CellVerdict>
  /** Why the signal was given. Default: the run was interrupted. */
  readonly whyStopped?: () => string
  readonly onCell?: (loaded: LoadedProbe, verdict: CellVerdict) => void
  /** What the search of a cell saw, in the order of the searches; of one that was asked again only the last. */
  readonly onObserved?: (observed: ObservedCell) => void
}

export interface ObservedCell {
  readonly probe: string
  readonly world: string
  readonly cell: Pick<Cell, 'name' | 'path' | 'privilege'> & { readonly object: string | null }
  /** Where the verdict is found. */
  readonly verdict: Pick<CellVerdict, 'object' | 'path'>
  readonly seen: CellObservations
}

/** Never throws for a leak, nor for an error of the probe: the latter is `unknown`. */
export async function runProbe(
  loaded: LoadedProbe,
  world: World,
  given: RunSettings,
): Promise<Verdict> {
  const startedMs = performance.now()
  const skipped = whyNot(loaded, world, given)
  const cells: CellVerdict[] = []
  if (skipped === null) {
    const asked = cellsOf(loaded, world, given)
    const search = { ...given, ...budgetPerCell(given, given.cellsInBudget ?? asked.length) }
    for (const cell of asked) {
      const verdict = await askCell(loaded, { world, cell }, search)
      cells.push(verdict)
      given.onCell?.(loaded, verdict)
      if (given.untilFirstWitness === true && verdict.outcome === 'violated') break
    }
  }
  const concluded = {
    cells,
    ...(skipped ?? conclude(cells)),
    durationMs: Math.round(performance.now() - startedMs),
  }
  return verdictOf(loaded, world, concluded)
}

/** The verdict of a probe after some of its cells were searched further. */
export function verdictAfter(
  before: Verdict,
  cells: readonly CellVerdict[],
  spentMs: number,
): Verdict {
  return {
    ...before,
    ...conclude(cells),
    cells,
    evidence: sumOf(cells.map((cell) => cell.evidence)),
    durationMs: before.durationMs + Math.round(spentMs),
  }
}

interface Concluded extends Conclusion {
  readonly cells: readonly CellVerdict[]
  readonly durationMs: number
}

function verdictOf({ probe, id, suite }: LoadedProbe, world: World, concluded: Concluded): Verdict {
  const { claim, source, severity, remedy, basis } = probe
  return {
    probe: id,
    suite,
    way: wayOf(probe),
    claim,
    source,
    severity,
    remedy,
    world: world.id,
    database: world.database,
    basis,
    ...concluded,
    evidence: sumOf(concluded.cells.map((cell) => cell.evidence)),
  }
}

/** Cells of a probe beyond which the random cases are spread: a grammar of hundreds varies by its forms. */
const cellsInFull = 60

function budgetPerCell({ runs, examplesMax }: RunSettings, cells: number): Partial<RunSettings> {
  if (runs === 0 || cells <= cellsInFull) return {}
  if (examplesMax !== undefined)
    return { runs: 1, examplesMax: Math.min(1, examplesMax), controlTenantsMax: 1 }
  return { runs: Math.min(runs, Math.max(2, Math.round((runs * cellsInFull) / cells))) }
}

interface Conclusion {
  readonly outcome: Outcome
  readonly reason: string
}

function whyNot({ probe }: LoadedProbe, world: World, settings: RunSettings): Conclusion | null {
  if (probe.separatedBy !== undefined && probe.separatedBy !== world.separatedBy) {
    const how = probe.separatedBy === 'rows' ? 'share tables' : 'have places of their own'
    return { outcome: 'inapplicable', reason: `asks about tenants that ${how}` }
  }
  if (probe.needs.includes('timing') && settings.timing !== true) {
    return { outcome: 'inapplicable', reason: 'answer times are measured with --timing only' }
  }
  const lack = settings.lacks?.find(({ need }) => probe.needs.includes(need))
  if (lack !== undefined) return { outcome: lack.outcome, reason: lack.reason }
  const absent = companionNeeds.find(
    (need) => probe.needs.includes(need) && world.speaksFor.has(need) && !world.offers(need),
  )
  return absent === undefined ? null : { outcome: 'unknown', reason: whyAbsent[absent] }
}

const companionNeeds = ['http', 'operations'] as const
const whyAbsent = {
  http: 'no service was started in front of this database',
  operations: 'no databases were copied for the operations',
} as const

function cellsOf({ probe }: LoadedProbe, world: World, settings: RunSettings): readonly Cell[] {
  const cells = probe.cells(world, settings)
  return settings.chooseCells?.(cells) ?? cells
}

/**
 * Asks again when the server came back: a backend that crashes takes every connection with it, and the
 * statement that did it may have been another world's. Whoever crashes it twice stays unknown.
 */
export async function askCell(
  loaded: LoadedProbe,
  scene: Scene,
  given: RunSettings,
): Promise<CellVerdict> {
  const { world, cell } = scene
  const known = given.known?.get(cellKey(loaded, cell))
  if (known !== undefined) return known
  for (let tries = 1; ; tries += 1) {
    if (given.signal?.aborted === true)
      return unknownCell(cell, given.whyStopped?.() ?? 'the run was interrupted')
    if (!(await world.revive())) return unknownCell(cell, 'the server went away')
    // Without the admin's connection there is no server to ask: the rest is not tried, instead of failing slowly.
    const lost = world.admin.lostSignal
    const signal = given.signal === undefined ? lost : eitherOf(given.signal, lost)
    let seen: CellObservations | null = null
    const verdict = await searchSafely(loaded, scene, {
      ...given,
      signal,
      ...(given.onObserved === undefined
        ? {}
        : {
            onSearched: (observed) => {
              seen = observed
            },
          }),
    })
    const unanswered =
      lost.aborted || verdict.indeterminate.some(({ sqlstate }) => sqlstate === null)
    if (!unanswered || tries === 2 || verdict.outcome === 'violated') {
      if (seen !== null) given.onObserved?.(observedCell(loaded, scene, { seen, verdict }))
      return tries === 1 ? verdict : { ...verdict, askedAgain: true }
    }
    // The admin's connection may end a moment after the attacker's; what it is told then is the truth.
    await world.admin.observe({ sql: 'SELECT pg_sleep(0.05)', role: 'context' })
  }
}

function observedCell(
  { id }: LoadedProbe,
  { world, cell }: Scene,
  { seen, verdict }: { readonly seen: CellObservations; readonly verdict: CellVerdict },
): ObservedCell {
  const { name, path, privilege, object } = cell
  return {
    probe: id,
    world: world.key,
    cell: {
      name,
      path,
      ...(privilege === undefined ? {} : { privilege }),
      object: object?.name ?? null,
    },
    verdict: { object: verdict.object, path: verdict.path },
    seen,
  }
}

/** One signal for all cells of a connection: each one made from others stays in their memory. */
const combined = new WeakMap<AbortSignal, WeakMap<AbortSignal, AbortSignal>>()

function eitherOf(given: AbortSignal, lost: AbortSignal): AbortSignal {
  const known = combined.get(lost) ?? new WeakMap<AbortSignal, AbortSignal>()
  combined.set(lost, known)
  const signal = known.get(given) ?? AbortSignal.any([given, lost])
  known.set(given, signal)
  return signal
}

/** Names a cell within its world. */
export function cellKey({ id }: LoadedProbe, { name, path }: Cell): string {
  return [id, name, path].join('|')
}

async function searchSafely(
  { probe }: LoadedProbe,
  { world, cell }: Scene,
  settings: RunSettings,
): Promise<CellVerdict> {
  try {
    return await probe.search(world, cell, settings)
  } catch (error) {
    return unknownCell(cell, `the probe failed: ${messageOf(error)}`)
  }
}

function unknownCell(cell: Cell, reason: string): CellVerdict {
  return {
    object: cell.name,
    path: cell.path,
    outcome: 'unknown',
    reason,
    evidence: new Tally().evidence(0),
    counterexample: null,
    indeterminate: [],
  }
}

function conclude(cells: readonly CellVerdict[]): Conclusion {
  if (cells.length === 0) return { outcome: 'inapplicable', reason: nothingHasThisPath }
  const outcome = worstOutcome(cells.map((cell) => cell.outcome))
  const decisive = cells.filter((cell) => cell.outcome === outcome)
  const [first] = decisive
  if (outcome === 'holds') return { outcome, reason: `holds on ${cells.length} cells` }
  const more = decisive.length > 1 ? ` (and ${decisive.length - 1} more cells)` : ''
  return { outcome, reason: `${first?.object ?? ''}: ${first?.reason ?? ''}${more}` }
}

export function sumOf(evidence: readonly Evidence[]): Evidence {
  const sum = (pick: (each: Evidence) => number) =>
    evidence.reduce((total, each) => total + pick(each), 0)
  const shared = evidence.flatMap((each) => each.sharedBackends ?? [])
  return {
    casesAsked: sum((each) => each.casesAsked),
    casesTried: sum((each) => each.casesTried),
    controlsTried: sum((each) => each.controlsTried),
    controlsSeen: sum((each) => each.controlsSeen),
    refused: sum((each) => each.refused),
    indeterminate: sum((each) => each.indeterminate),
    sharedBackends: shared.length === 0 ? null : shared.reduce((total, each) => total + each, 0),
  }
}
