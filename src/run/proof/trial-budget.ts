/** How much a trial asks of each probe: a property of the mutant and the probe, never of a file's name. */

import { isPooled, wayOf } from '../../probe/way.ts'
import type { LoadedProbe, RunSettings } from '../../probe/ask.ts'
import { ToolBox } from '../../probe/tools.ts'
import { strategiesOnTrial } from '../../requests/tools.ts'
import { quickLimits } from '../../probe/search-limits.ts'
import type { CellChooser } from './changed-objects.ts'
import type { TrialOptions } from './trial.ts'

/** Random cases per cell at most; `--runs` below it asks less. Every control meets every probe. */
const runsMax = { mutant: 10, control: 4 } as const
/** A defect of a pool shows after several steps in the right order, so its search is longer than others. */
const strategyRunsMin = 60
/** Random requests for each route while every route is asked a little. */
export const glanceRuns = 2

/**
 * The probe that a mutant names is given the fixed inputs of a whole run: every tenant attacks, also the
 * one in whose name the defect lies. Where none is named, every probe is. A control is asked what a quick
 * run asks, by every probe.
 */
export function searchFor(
  { mutant, search: given }: Pick<TrialOptions, 'mutant' | 'search'>,
  { id, probe }: LoadedProbe,
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
    const known = isPooled(wayOf(probe)) && mutant.strategy === null ? { examplesMax: 0 } : {}
    return { ...search, ...quickLimits, ...known, ...strategies, runs: most(runsMax.control) }
  }
  const limits = mutant.probe === null || id === mutant.probe ? {} : quickLimits
  const atLeast =
    mutant.strategy === null ? most(runsMax.mutant) : Math.max(search.runs, strategyRunsMin)
  const runs = search.runs === 0 ? 0 : atLeast
  return { ...search, ...limits, ...strategies, runs, untilFirstWitness: true }
}

/**
 * A correct shape of the database is tried with the first strategy over the driver's pool: strategies are the
 * platform's own, and `verify` asks all of them over every pooler.
 */
export function chooserFor(
  { mutant }: Pick<TrialOptions, 'mutant'>,
  { probe }: LoadedProbe,
  usual: CellChooser,
): CellChooser {
  const way = wayOf(probe)
  if (!isPooled(way) || mutant.strategy !== null || mutant.expect !== 'holds') return usual
  return (cells) => (way === 'pool' && probe.needs.includes('pool') ? cells.slice(0, 1) : [])
}
