/** Which mutants and controls a command tries: all of them, a sample, or one for each probe. */

import type { Settings } from '../../config/settings.ts'
import { hash32 } from '../../reference/seed/random.ts'
import type { ExecuteOptions } from '../running.ts'
import { loadMutants, type Mutant } from './mutant.ts'

export interface Trials {
  readonly mutants: readonly Mutant[]
  readonly controls: readonly Mutant[]
  /** What a sample leaves out, as a sentence; null when nothing was left out by one. */
  readonly leftOut: string | null
}

/** @throws WatertightError WATERTIGHT_BAD_MUTANT when a file cannot be read. */
export async function chooseTrials({
  command,
  settings,
}: Pick<ExecuteOptions, 'command' | 'settings'>): Promise<Trials> {
  if (command !== 'run' && command !== 'prove') return { mutants: [], controls: [], leftOut: null }
  const chosen = (all: readonly Mutant[]) =>
    all.filter((mutant) => settings.mode.includes(mutant.tenancy))
  const mutants = chosen(await loadMutants('mutants', settings.mutants))
  const controls = chosen(await loadMutants('controls', settings.controls))
  if (command === 'prove') {
    // A folder of the user's own stands alone: the shipped ones of the other kind are not mixed in.
    return sampled(settings, {
      mutants: settings.controls !== null && settings.mutants === null ? [] : mutants,
      controls: settings.mutants !== null && settings.controls === null ? [] : controls,
    })
  }
  return {
    mutants: settings.mutants === null ? onePerProbe(mutants) : mutants,
    controls: controls.slice(0, settings.quick ? 1 : 2),
    leftOut: null,
  }
}

/** The first mutant of each probe that asks for no tenant in particular, and for no server if there is such a one. */
function onePerProbe(mutants: readonly Mutant[]): readonly Mutant[] {
  const seen = new Set<string>()
  const anywhere = new Set(
    mutants
      .filter(({ tenant, server }) => tenant === null && server === null)
      .map(({ probe, id }) => probe ?? id),
  )
  return mutants.filter(({ probe, id, tenant, server }) => {
    const key = probe ?? id
    if (seen.has(key) || tenant !== null || (server !== null && anywhere.has(key))) return false
    seen.add(key)
    return true
  })
}

/** One mutant of each probe, as many others as asked for, and one control to two of them; the order stays. */
function sampled(settings: Settings, all: Omit<Trials, 'leftOut'>): Trials {
  const { sample, seed } = settings
  if (sample === 0) return { ...all, leftOut: null }
  const first = new Set(onePerProbe(all.mutants))
  const others = drawn(
    all.mutants.filter((mutant) => !first.has(mutant)),
    { seed, size: sample },
  )
  const mutants = all.mutants.filter((mutant) => first.has(mutant) || others.has(mutant))
  const drawnControls = drawn(all.controls, { seed, size: Math.ceil(sample / 2) })
  const controls = all.controls.filter((control) => drawnControls.has(control))
  return {
    mutants,
    controls,
    leftOut:
      `a sample drawn by seed ${seed}: ${mutants.length} of ${all.mutants.length} mutants, ` +
      `${controls.length} of ${all.controls.length} controls`,
  }
}

interface Draw {
  readonly seed: number
  readonly size: number
}

/** Follows from the seed and the names alone, so that a new file does not change who else is drawn first. */
function drawn(list: readonly Mutant[], { seed, size }: Draw): ReadonlySet<Mutant> {
  const rank = ({ id }: Mutant) => hash32(`sample ${seed} ${id}`)
  return new Set(list.toSorted((a, b) => rank(a) - rank(b)).slice(0, size))
}
