/**
 * Searches on after every cell was asked once: cells without an answer first, then those where something
 * new turned up, then the ones searched least.
 */

import type { CellVerdict, Verdict } from '../model/verdict.ts'
import type { Attempt } from '../model/observation.ts'
import type { Cell } from './define.ts'
import type { Novelty } from './novelty.ts'
import { askCell, cellKey, sumOf, verdictAfter, type LoadedProbe, type RunSettings } from './ask.ts'
import { concludeCell } from './tally.ts'
import type { World } from '../world/world.ts'

/** Random cases of a round; the first one also tries the fixed inputs that the pass before left out. */
const casesPerRound = 12
/** Rounds that a cell may be ahead of the least searched one because of what it showed. */
const lead = 3

export interface Asked {
  readonly loaded: LoadedProbe
  readonly verdict: Verdict
}

export interface RoundsOptions {
  /** Its signal ends the search. */
  readonly search: RunSettings & { readonly signal: AbortSignal }
  readonly novelty: Novelty
  readonly onRound: (cases: number) => void
}

interface Candidate {
  readonly loaded: LoadedProbe
  readonly cell: Cell
  rounds: number
  /** How much the last round showed that was new. */
  fresh: number
  verdict: CellVerdict
}

/** The verdicts with what the rounds added to them, in the same order. */
export async function searchOn(
  world: World,
  asked: readonly Asked[],
  options: RoundsOptions,
): Promise<readonly Verdict[]> {
  const startedMs = performance.now()
  const byVerdict = asked.map((each) => candidatesOf(world, each, options.search))
  const open = byVerdict.flat()
  const { signal } = options.search
  while (!signal.aborted) {
    const next = choose(open)
    if (next === null) break
    await round(world, next, options)
  }
  const spentMs = (performance.now() - startedMs) / Math.max(1, open.length)
  return asked.map(({ verdict }, index) => {
    const searched = new Map(byVerdict[index]?.map((each) => [each.cell, each.verdict]))
    if (searched.size === 0) return verdict
    const cells = cellsOf(world, asked[index] as Asked, options.search)
    return verdictAfter(
      verdict,
      verdict.cells.map((cell, at) => {
        const here = cells[at]
        return (here === undefined ? undefined : searched.get(here)) ?? cell
      }),
      spentMs * searched.size,
    )
  })
}

/** A verdict's cells are in the order in which its probe names them. */
const known = new WeakMap<Verdict, readonly Cell[]>()

function cellsOf(world: World, { loaded, verdict }: Asked, search: RunSettings): readonly Cell[] {
  const cells = known.get(verdict) ?? loaded.probe.cells(world, search)
  known.set(verdict, cells)
  return cells
}

function candidatesOf(world: World, asked: Asked, search: RunSettings): readonly Candidate[] {
  const { loaded, verdict } = asked
  if (loaded.probe.basis !== 'executed' || loaded.probe.exhaustive === true) return []
  return cellsOf(world, asked, search).flatMap((cell, index) => {
    const found = verdict.cells[index]
    const isOpen = found !== undefined && (found.outcome === 'holds' || found.outcome === 'unknown')
    return isOpen ? [{ loaded, cell, rounds: 0, fresh: 0, verdict: found }] : []
  })
}

/** Null when nothing is left to be searched. */
function choose(candidates: readonly Candidate[]): Candidate | null {
  const open = candidates.filter(({ verdict }) => verdict.outcome !== 'violated')
  const least = Math.min(...open.map(({ rounds }) => rounds))
  const rank = ({ verdict, rounds, fresh }: Candidate) => {
    if (verdict.outcome === 'unknown' && rounds === 0) return -lead - 2
    return fresh > 0 && rounds <= least + lead ? rounds - lead - 1 : rounds
  }
  return open.reduce<Candidate | null>(
    (best, each) => (best === null || rank(each) < rank(best) ? each : best),
    null,
  )
}

async function round(
  world: World,
  candidate: Candidate,
  { search, novelty, onRound }: RoundsOptions,
): Promise<void> {
  const { loaded, cell, rounds } = candidate
  const notes: Promise<number>[] = []
  const settings: RunSettings = {
    ...search,
    ...(rounds === 0 ? {} : { runs: casesPerRound, examplesMax: 0, controlTenantsMax: 0 }),
    seed: (search.seed + rounds * 1_000_003) % 2_147_483_647,
    onCase: (_, attempt: Attempt) => {
      notes.push(novelty.note(world, cellKey(loaded, cell), attempt))
    },
  }
  const found = await askCell(loaded, { world, cell }, settings)
  const fresh = (await Promise.allSettled(notes)).reduce(
    (sum, each) => sum + (each.status === 'fulfilled' ? each.value : 0),
    0,
  )
  candidate.fresh = fresh
  candidate.verdict = afterRound(candidate.verdict, found, rounds === 0)
  candidate.rounds += 1
  if (found.outcome === 'violated') search.onCell?.(loaded, candidate.verdict)
  onRound(found.evidence.casesTried)
}

/** What a cell is worth after a further search; the first one answers what could not be asked before. */
export function afterRound(before: CellVerdict, found: CellVerdict, isFirst: boolean): CellVerdict {
  return isFirst && before.outcome === 'unknown' && found.evidence.casesTried > 0
    ? found
    : merged(before, found)
}

/** Cases that were not reached before the time was over are not held against the cell. */
function merged(before: CellVerdict, found: CellVerdict): CellVerdict {
  const tried = { ...found.evidence, casesAsked: found.evidence.casesTried }
  const evidence = sumOf([before.evidence, tried])
  if (found.outcome === 'violated') return { ...found, evidence }
  const indeterminate = [...before.indeterminate, ...found.indeterminate].slice(0, 5)
  if (
    before.outcome !== 'holds' ||
    (evidence.controlsTried === 0 && evidence.indeterminate === 0)
  ) {
    return { ...before, evidence, indeterminate }
  }
  return {
    ...before,
    ...concludeCell(evidence, { privilege: 'granted', possible: true }),
    evidence,
    indeterminate,
  }
}
