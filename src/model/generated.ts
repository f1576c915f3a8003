/** What became of the mutants that nobody wrote by hand. */

import type { Interval } from './measurement.ts'

/** A generated edit as a reader meets it, with the SQL that makes it. */
export interface GeneratedEdit {
  readonly id: string
  readonly kind: string
  readonly title: string
  /** `isp/row-level-security`. */
  readonly world: string
  readonly sql: string
  /** What the ground truth saw. */
  readonly truth: string
  /** Why no probe counts as its killer, or why it could not be decided. */
  readonly reason: string
}

export interface GeneratedKind {
  readonly kind: string
  readonly tried: number
  readonly reaching: number
  readonly killed: number
  readonly latent: number
  readonly reported: number
}

export interface GeneratedScore {
  readonly seed: number
  /** Edits that could be made of these catalogs. */
  readonly candidates: number
  readonly tried: number
  /** The ground truth saw others' rows read or changed: these must be killed by an executed attack. */
  readonly reaching: number
  readonly killed: number
  /** Share of the killed among those that reach others, at 95 %. */
  readonly interval: Interval
  /** Nothing is seen of them today, but somebody may do more than before; a catalogue finding counts. */
  readonly latent: number
  readonly reported: number
  /** Something changed, and no other tenant is the reason. */
  readonly own: number
  readonly equivalent: number
  /** Count neither way. */
  readonly undecided: readonly GeneratedEdit[]
  readonly kinds: readonly GeneratedKind[]
  readonly survivors: readonly GeneratedEdit[]
  /** Latent edits that nothing reports. */
  readonly unreported: readonly GeneratedEdit[]
}
