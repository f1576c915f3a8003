/** A finding: a verdict that must be acted on, with a key that survives from run to run. */

import type { Way } from './way.ts'
import type { Counterexample, Severity } from './verdict.ts'
import type { WorldId } from './tenancy.ts'

export interface Finding {
  /** `<probe>-<8 hex of the fingerprint>`; the argument of `watertight replay`. */
  readonly id: string
  /** `probe:tenancy/variant:database.object:command`, never with row values. */
  readonly fingerprint: string
  readonly probe: string
  readonly suite: string
  readonly way: Way
  readonly severity: Severity
  readonly title: string
  readonly object: string
  readonly command: string
  readonly world: WorldId
  readonly database: string
  readonly basis: 'executed' | 'catalogue'
  /** False for findings of the as-written variant: reported, but they do not shut the gate. */
  readonly gating: boolean
  readonly why: string
  readonly source: string
  readonly remedy: string
  readonly counterexample: Counterexample
  /** `seed,path[,replayPath]`. */
  readonly replay: string
  /** Path below the run directory of the psql script, null when nothing can be executed. */
  readonly transcript: string | null
}
