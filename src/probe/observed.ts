/** What the search of one cell saw, case by case: all that its judge and its conclusion need, as plain values. */

import { messageOf } from '../errors.ts'
import type { Attempt } from '../model/observation.ts'
import type { Counterexample } from '../model/verdict.ts'

export interface ObservedCase {
  readonly input: unknown
  /** Null when the attempt ended with an error of the harness. */
  readonly attempt: Attempt | null
  readonly error?: string
  /** True for what was tried after the first witness, to make it smaller: it counts as no case. */
  readonly shrunk?: boolean
}

/** The coordinates and the course of a search that found something: they cannot be judged, only kept. */
export type SearchCourse = Pick<
  Counterexample,
  'replay' | 'shrinks' | 'casesToWitness' | 'msToWitness'
>

export interface CellObservations {
  readonly seed: number
  /** Cases that were asked for, examples included. */
  readonly runs: number
  /** Fixed inputs of the probe, and how many of them were asked for. */
  readonly fixed: number
  readonly examples: number
  readonly privilege: 'granted' | 'absent' | 'missing'
  /** A counterexample was replayed: one path, not the whole budget. */
  readonly replaying: boolean
  readonly ofOneTenant: boolean
  readonly controls: readonly Attempt[]
  readonly cases: readonly ObservedCase[]
  /** Null when no witness was found. */
  readonly course: SearchCourse | null
}

/** Keeps what a search sees, where somebody wants it; costs nothing elsewhere. */
export class Recording {
  readonly #isWanted: boolean
  readonly controls: Attempt[] = []
  readonly cases: ObservedCase[] = []

  constructor(isWanted: boolean) {
    this.#isWanted = isWanted
  }

  addControl(attempt: Attempt): void {
    if (this.#isWanted) this.controls.push(attempt)
  }

  /** The attempt, noted on its way to the judge; so is the error when there is none. */
  async noted(input: unknown, pending: Promise<Attempt>, shrunk: boolean): Promise<Attempt> {
    const seen = { input, ...(shrunk ? { shrunk } : {}) }
    try {
      const attempt = await pending
      if (this.#isWanted) this.cases.push({ ...seen, attempt })
      return attempt
    } catch (error) {
      if (this.#isWanted) this.cases.push({ ...seen, attempt: null, error: messageOf(error) })
      throw error
    }
  }
}
