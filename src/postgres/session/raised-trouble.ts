/** An error of the server's own in place of a statement: what was to be done is not done, and the code is real. */

export interface PlannedTrouble {
  /** Statements that go through before. */
  readonly after: number
  readonly code: string
}

export function raiseSql(code: string, instead: string): string {
  return (
    `DO $trouble$ BEGIN RAISE EXCEPTION 'raised on purpose' USING ERRCODE = '${code}'; END $trouble$` +
    ` -- in place of: ${instead.replace(/\s+/g, ' ').slice(0, 120)}`
  )
}

/** A commit that fails ends its transaction all the same. */
export function endsTransaction(sql: string): boolean {
  return /^\s*(commit|end)\b/i.test(sql)
}
