/** Verdicts: the four outcomes, their one ordering, and the evidence that makes one credible. */

import type { Way } from './way.ts'
import type { Step, Witness } from './observation.ts'
import type { Severity } from './severity.ts'
import type { WorldId } from './tenancy.ts'

/** Worst first: a merge of outcomes is the first of these that occurs. */
export const outcomes = ['violated', 'unknown', 'holds', 'inapplicable'] as const
export type Outcome = (typeof outcomes)[number]

export { severities, type Severity } from './severity.ts'

export interface Evidence {
  readonly casesAsked: number
  readonly casesTried: number
  /** Positive controls: attempts of a tenant on its own rows, and how many of them saw rows. */
  readonly controlsTried: number
  readonly controlsSeen: number
  readonly refused: number
  readonly indeterminate: number
  /** Backends that provably served at least two tenants; null where the probe shares none. */
  readonly sharedBackends: number | null
}

/** fast-check coordinates of a counterexample; fc.commands needs all three. */
export interface ReplayToken {
  readonly seed: number
  readonly path: string
  readonly replayPath: string | null
}

export interface Counterexample {
  /** JSON of the minimal input. */
  readonly input: unknown
  readonly steps: readonly Step[]
  readonly witness: Witness
  readonly replay: ReplayToken
  readonly shrinks: number
  /** Cases tried before the first witness, from 1. */
  readonly casesToWitness: number
  readonly msToWitness: number
  /** Role that logs in to repeat it. */
  readonly login: string
}

/** One cell of the isolation matrix: one object (row) reached by one path (column). */
export interface CellVerdict {
  readonly object: string
  readonly path: string
  readonly outcome: Outcome
  readonly reason: string
  readonly evidence: Evidence
  readonly counterexample: Counterexample | null
  /** Channel that was used with success and that no target claims to have closed. */
  readonly inherent?: { readonly channel: string; readonly seen: string }
  /** Inputs of indeterminate attempts, kept in full up to a limit of 5. */
  readonly indeterminate: readonly {
    readonly sql: string
    readonly sqlstate: string | null
    readonly message: string
  }[]
  /** True when its connections ended under the first try, and this is what the second one showed. */
  readonly askedAgain?: true | undefined
}

export interface Verdict {
  readonly probe: string
  readonly suite: string
  readonly way: Way
  readonly claim: string
  readonly source: string
  readonly severity: Severity
  readonly remedy: string
  readonly world: WorldId
  readonly database: string
  /** `executed` when an attack ran, `catalogue` when system tables predict it. */
  readonly basis: 'executed' | 'catalogue'
  readonly outcome: Outcome
  readonly reason: string
  readonly evidence: Evidence
  readonly cells: readonly CellVerdict[]
  readonly durationMs: number
}
