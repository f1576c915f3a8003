/** The pool matrix is a table of its own: its rows are ways of binding, not objects of the database. */

import type { Verdict } from '../model/verdict.ts'

export function isPoolMatrix({ probe }: Pick<Verdict, 'probe'>): boolean {
  return probe === 'pool-matrix'
}
