/** What a run shows about its own detector: which probe saw a planted defect by itself, and what the build is. */

import type { Row } from './observation.ts'

/** The attack that killed a mutant, so that an accidental kill can be recognised. */
export interface KillWitness {
  readonly object: string
  readonly path: string
  readonly sentence: string
  readonly victim: string | null
  /** What was executed, in order. */
  readonly statements: readonly string[]
  /** Rows that prove it, at most 5. */
  readonly rows: readonly Row[]
}

/** One probe that a run counts, held against a mutant of its own and against a world that shows nothing. */
export interface ProbeProof {
  readonly probe: string
  readonly proven: boolean
  /** The mutant of its own that it killed, or did not; null when there was none to try. */
  readonly mutant: string | null
  /** Why it is not proven, or what it saw. */
  readonly reason: string
  /** Cells on which its positive controls stayed silent where nothing can be seen; null without controls. */
  readonly blindCells: number | null
}

/** How the files of the detector differ from those it was built with. */
export interface BuildState {
  /** One sentence for each part that is missing, changed or added. */
  readonly faults: readonly string[]
  /** Files that the manifest names. */
  readonly parts: number
}

export interface DetectorProof {
  readonly probes: readonly ProbeProof[]
  readonly build: BuildState
}
