/** What one statement showed. A refusal is good news and is counted; "connection lost" is neither leak nor proof. */

import type { Severity } from './severity.ts'

export type Value = string | number | boolean | null
export type Row = Readonly<Record<string, Value>>

interface Heard {
  /** What the server said beside its answer: notices, warnings, messages of functions. Missing: nothing. */
  readonly notices?: readonly string[]
}

interface RowsSeen extends Heard {
  readonly kind: 'rows'
  readonly rows: readonly Row[]
  readonly affected: number | null
  readonly truncated: boolean
}

/** PostgreSQL said no: 42501, 42P01, 3F000 or a row-security violation. */
interface Refused extends Heard {
  readonly kind: 'refused'
  readonly sqlstate: string
  readonly message: string
}

/** Any other error: proves nothing. `sqlstate` is null when the server never answered. */
interface Indeterminate extends Heard {
  readonly kind: 'indeterminate'
  readonly sqlstate: string | null
  readonly message: string
}

export type Observation = RowsSeen | Refused | Indeterminate

/**
 * Why a statement is in a script. `attack`: must yield nothing foreign, any error but a refusal is
 * indeterminate. `comparison`: one side of a differential experiment, any answer of the server
 * counts. `control`: must see rows. `proof` and `context` are no evidence of their own.
 */
export type StatementRole = 'attack' | 'comparison' | 'control' | 'proof' | 'context'

export interface Statement {
  readonly sql: string
  readonly role: StatementRole
  /** Lines fed to COPY ... FROM STDIN, each ended by a newline. */
  readonly copyData?: string
}

export interface Step extends Statement {
  readonly observation: Observation
}

/** A whole attempt: one transaction, always rolled back, in the order it was executed. */
export interface Attempt {
  readonly steps: readonly Step[]
  /** pg_backend_pid() of the session, null when it could not be learnt. */
  readonly backendPid: number | null
  /** True when the input left nothing to attack (no row of the victim): no case at all. */
  readonly vacuous?: boolean
}

/** An attempt that had nothing to attack. */
export const vacuousAttempt: Attempt = { steps: [], backendPid: null, vacuous: true }

/** Why an attempt is no leak and no proof, or what it proved. */
export interface Witness {
  /** One sentence a reviewer understands: who did what to whose row. */
  readonly sentence: string
  /** Rows that prove it, at most 5. */
  readonly rows: readonly Row[]
  /** Tenant whose data was reached, null when no single one can be named. */
  readonly victim: string | null
  /** Command or path of the matrix column this belongs to (SELECT, UPDATE, view, function, ...). */
  readonly command: string
  /** What was shown, when it differs from the probe's severity. */
  readonly severity?: Severity
  /** Channel that no database closes by itself: an assumption unless the target claims otherwise. */
  readonly inherent?: string
}
