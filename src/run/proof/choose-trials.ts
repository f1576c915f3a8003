/** Which mutants and controls a command tries: all of them, a sample, or one for each probe. */

import type { Settings } from '../../config/settings.ts'
import { hash32 } from '../../reference/seed/random.ts'
import type { ExecuteOptions } from '../running.ts'
import { loadMutants, type Mutant } from './mutant.ts'

export interface Trials {
  readonly mutants: readonly Mutant[]
  /** The mutants by which a run proves its probes, each asked of its own probe alone. */
  readonly own: readonly Mutant[]
  readonly controls: readonly Mutant[]
  /** What a sample leaves out, as a sentence; null when nothing was left out by one. */
  readonly leftOut: string | null
}

/** @throws WatertightError WATERTIGHT_BAD_MUTANT when a file cannot be read. */
export async function chooseTrials({
  command,
  settings,
}: Pick<ExecuteOptions, 'command' | 'settings'>): Promise<Trials> {
  if (command !== 'run' && command !== 'prove') {
    return { mutants: [], own: [], controls: [], leftOut: null }
  }
  const chosen = (all: readonly Mutant[]) =>
    all.filter((mutant) => settings.mode.includes(mutant.tenancy))
  const all = await loadMutants('mutants', settings.mutants)
  const mutants = chosen(all)
  const controls = chosen(await loadMutants('controls', settings.controls))
  if (command === 'prove') {
    // A folder of the user's own stands alone: the shipped ones of the other kind are not mixed in.
    return sampled(settings, {
      mutants: settings.controls !== null && settings.mutants === null ? [] : mutants,
      controls: settings.mutants !== null && settings.controls === null ? [] : controls,
    })
  }
  const shipped = settings.mutants === null ? all : await loadMutants('mutants', null)
  const inMode = onePerProbe(chosen(shipped))
  // A probe whose own mutants are all of the other tenancy is proven there: it must see, wherever that is.
  const elsewhere = onePerProbe(shipped).filter((each) =>
    inMode.every(({ probe }) => probe !== each.probe),
  )
  return {
    mutants: settings.mutants === null ? [] : mutants,
    own: [...inMode, ...elsewhere],
    controls: controls.slice(0, settings.quick ? 1 : 2),
    leftOut: null,
  }
}

/**
 * The mutant of each probe that is marked `proof: first`, or the first that asks for no tenant in particular, and for
 * no server if there is such a one.
 */
function onePerProbe(mutants: readonly Mutant[]): readonly Mutant[] {
  const seen = new Set<string>()
  const anywhere = new Set(
    mutants
      .filter(({ tenant, server }) => tenant === null && server === null)
      .map(({ probe, id }) => probe ?? id),
  )
  const marked = new Set(mutants.filter(({ first }) => first).map(({ probe }) => probe))
  return mutants.filter(({ probe, id, tenant, server, first }) => {
    const key = probe ?? id
    if (!first && marked.has(key)) return false
    if (seen.has(key) || tenant !== null || (server !== null && anywhere.has(key))) return false
    seen.add(key)
    return true
  })
}

/** One mutant of each probe, as many others as asked for, and one control to two of them; the order stays. */
function sampled(settings: Settings, all: Pick<Trials, 'mutants' | 'controls'>): Trials {
  const { sample, seed } = settings
  if (sample === 0) return { ...all, own: [], leftOut: null }
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
    own: [],
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
