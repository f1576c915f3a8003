/** The pool matrix is a table of its own: its rows are ways of binding, not objects of the database. */

import type { Verdict } from '../model/verdict.ts'

export function isPoolMatrix({ way }: Pick<Verdict, 'way'>): boolean {
  return way === 'pool matrix'
}
