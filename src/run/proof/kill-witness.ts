/** A kill that shows no attack could be an accident: what was executed and seen is kept, within bounds. */

import type { KillWitness } from '../../model/detector.ts'
import type { Verdict } from '../../model/verdict.ts'
import type { Mutant } from './mutant.ts'

const statementsMax = 20
const statementLengthMax = 2_000
const rowsMax = 5

/** Of the first violated cell; a prediction has a sentence and the query that shows it. */
export function witnessOf(verdict: Verdict): KillWitness {
  const cell = verdict.cells.find(({ outcome }) => outcome === 'violated')
  const found = cell?.counterexample
  return {
    object: cell?.object ?? '',
    path: cell?.path ?? '',
    sentence: found?.witness.sentence ?? cell?.reason ?? verdict.reason,
    victim: found?.witness.victim ?? null,
    statements: (found?.steps ?? [])
      .slice(-statementsMax)
      .map(({ sql }) =>
        sql.length <= statementLengthMax ? sql : `${sql.slice(0, statementLengthMax)}…`,
      ),
    rows: (found?.witness.rows ?? []).slice(0, rowsMax),
  }
}

/** What a catalogue probe predicts is a kill only where no attack could show it. */
export function kills(mutant: Mutant, { outcome, basis }: Verdict): boolean {
  return outcome === 'violated' && (basis === 'executed' || !mutant.attackable)
}
