/** A mutant asked of the probe it belongs to: what a run needs to know before it counts that probe. */

import { wayOf } from '../../probe/way.ts'
import type { Verdict } from '../../model/verdict.ts'
import { runProbe, type LoadedProbe } from '../../probe/ask.ts'
import { quickLimits } from '../../probe/search-limits.ts'
import type { World } from '../../world/world.ts'
import type { CellChooser } from './changed-objects.ts'
import { kills } from './kill-witness.ts'
import type { TrialOptions } from './trial.ts'
import { glanceRuns, searchFor } from './trial-budget.ts'

/**
 * Its own probe alone: first a little of what was changed, then everything in full. Where that probe predicts and the
 * defect can be attacked, the others look at what was changed, because a prediction kills nothing.
 */
export async function ownVerdicts(
  world: World,
  options: TrialOptions,
  choosers: readonly CellChooser[],
): Promise<readonly Verdict[]> {
  const { mutant } = options
  const verdicts: Verdict[] = []
  const [first] = choosers
  const passes = [
    { ...quickLimits, runs: glanceRuns, controlTenantsMax: 0, chooseCells: first },
    { chooseCells: undefined },
  ]
  for (const loaded of options.probes.filter(({ id }) => id === mutant.probe)) {
    for (const { chooseCells, ...pass } of passes) {
      const search = { ...searchFor(options, loaded), endsAtWitness: true, ...pass }
      const choose = chooseCells === undefined ? {} : { chooseCells }
      const verdict = await runProbe(loaded, world, { ...search, ...choose })
      verdicts.push(verdict)
      if (verdict.outcome === 'violated') break
    }
  }
  if (!verdicts.some(({ outcome, basis }) => outcome === 'violated' && basis === 'catalogue'))
    return verdicts
  for (const loaded of mutant.attackable ? attackersOf(options.probes) : []) {
    const search = { ...searchFor(options, loaded), endsAtWitness: true }
    const verdict = await runProbe(loaded, world, {
      ...search,
      ...(first === undefined ? {} : { chooseCells: first }),
    })
    verdicts.push(verdict)
    if (kills(mutant, verdict)) break
  }
  return verdicts
}

function attackersOf(probes: readonly LoadedProbe[]): readonly LoadedProbe[] {
  return probes.filter(({ probe }) => wayOf(probe) === 'session' && probe.basis === 'executed')
}
