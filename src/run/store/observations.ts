/**
 * observations.jsonl: what the searches of a run saw, one cell a line, so that it can be judged again without a
 * server. Steps that repeat within a cell stand there once; what is too much is cut and counted.
 */

import type { Attempt, Step } from '../../model/observation.ts'
import type { ObservedCell } from '../../probe/ask.ts'
import type { CellObservations, ObservedCase } from '../../probe/observed.ts'
import { fromPlain, toPlain } from './plain-json.ts'

export const observationsVersion = 1

/** Characters of one cell and of a whole run; what is beyond is cut, and what is cut is never judged to hold. */
const cellCharactersMax = 1_000_000
const runCharactersMax = 400_000_000

/** An attempt whose steps are places in the cell's list of steps. */
type PackedAttempt = Omit<Attempt, 'steps'> & { readonly steps: readonly number[] }

interface PackedCase extends Omit<ObservedCase, 'attempt'> {
  readonly attempt: PackedAttempt | null
}

interface PackedSight extends Omit<CellObservations, 'controls' | 'cases'> {
  readonly steps: readonly Step[]
  readonly controls: readonly PackedAttempt[]
  readonly cases: readonly PackedCase[]
  /** Controls and cases that were too much to be kept. */
  readonly cut: number
}

export interface CellLine extends Omit<ObservedCell, 'seen'> {
  readonly kind: 'cell'
  readonly seen: PackedSight
}

/** Packs the cells of one run, until the run is too large. */
export class Packer {
  #left = runCharactersMax

  /** The line of a cell. */
  pack({ seen, ...cell }: ObservedCell): string {
    const steps = new StepList(Math.min(cellCharactersMax, this.#left))
    const { controls, cases, ...rest } = seen
    // The smallest witness comes first: it must not be what is cut.
    const last = seen.course === null ? undefined : cases.at(-1)
    const witness = last === undefined ? null : steps.packCase(last)
    const keptControls = controls.flatMap((each) => steps.packAttempt(each) ?? [])
    const others = last === undefined ? cases : cases.slice(0, -1)
    const keptCases: PackedCase[] = []
    for (const each of others) {
      const packed = steps.packCase(each)
      // A case behind a gap would be counted as another one than it was.
      if (packed === null) break
      keptCases.push(packed)
    }
    if (witness !== null) keptCases.push(witness)
    const line: CellLine = {
      kind: 'cell',
      ...cell,
      seen: {
        ...rest,
        steps: steps.all,
        controls: keptControls,
        cases: keptCases,
        cut: controls.length + cases.length - keptControls.length - keptCases.length,
      },
    }
    const text = JSON.stringify(line)
    this.#left = Math.max(0, this.#left - text.length)
    return text
  }
}

/** Steps by their text, each once, while there is room. */
class StepList {
  readonly all: Step[] = []
  readonly #places = new Map<string, number>()
  #left: number

  constructor(left: number) {
    this.#left = left
  }

  packCase({ attempt, ...said }: ObservedCase): PackedCase | null {
    const rest = toPlain(said) as typeof said
    if (!this.#take(JSON.stringify(rest).length)) return null
    if (attempt === null) return { ...rest, attempt }
    const packed = this.packAttempt(attempt)
    return packed === null ? null : { ...rest, attempt: packed }
  }

  /** Null when there is no room for it. */
  packAttempt({ steps, ...beside }: Attempt): PackedAttempt | null {
    const rest = toPlain(beside) as typeof beside
    const texts = steps.map((step) => JSON.stringify(step))
    const fresh = texts.reduce(
      (sum, text) => sum + (this.#places.has(text) ? 0 : text.length),
      JSON.stringify(rest).length,
    )
    if (!this.#take(fresh)) return null
    return {
      ...rest,
      steps: texts.map((text, index) => {
        const place = this.#places.get(text)
        if (place !== undefined) return place
        this.#places.set(text, this.all.length)
        return this.all.push(steps[index] as Step) - 1
      }),
    }
  }

  #take(characters: number): boolean {
    if (characters > this.#left) return false
    this.#left -= characters
    return true
  }
}

export interface UnpackedCell extends ObservedCell {
  readonly cut: number
}

/** @throws Error when the line is no cell. */
export function unpack({ seen: packed, probe, world, cell, verdict }: CellLine): UnpackedCell {
  const { steps, controls, cases, cut, ...rest } = packed
  const attemptOf = ({ steps: places, ...attempt }: PackedAttempt): Attempt => ({
    ...(fromPlain(attempt) as typeof attempt),
    steps: places.map((place) => {
      const step = steps[place]
      if (step === undefined) throw new Error(`it has no step ${String(place)}`)
      return step
    }),
  })
  return {
    probe,
    world,
    cell,
    verdict,
    cut,
    seen: {
      ...rest,
      controls: controls.map(attemptOf),
      cases: cases.map(({ attempt, ...each }) => ({
        ...(fromPlain(each) as typeof each),
        attempt: attempt === null ? null : attemptOf(attempt),
      })),
    },
  }
}
