/** What one statement showed. A refusal is good news and is counted; "connection lost" is neither leak nor proof. */

export type Value = string | number | boolean | null
export type Row = Readonly<Record<string, Value>>

export type Observation =
  | { readonly kind: 'rows'; readonly rows: readonly Row[]; readonly affected: number | null; readonly truncated: boolean }
  /** PostgreSQL said no: 42501, 42P01, 3F000 or a row-security violation. */
  | { readonly kind: 'refused'; readonly sqlstate: string; readonly message: string }
  /** Any other error: proves nothing. `sqlstate` is null when the server never answered. */
  | { readonly kind: 'indeterminate'; readonly sqlstate: string | null; readonly message: string }

/** Why a statement is in a script: only `attack` and `control` statements count as evidence. */
export type StatementRole = 'attack' | 'control' | 'proof' | 'context'

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
}

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
}
