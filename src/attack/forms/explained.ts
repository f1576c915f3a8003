/** Rows of which a plan speaks: estimated, removed by a filter, or counted by the catalogue. */

import type { Attempt } from '../../model/observation.ts'

/** The largest number of rows that the answers mention; 0 when they mention none. */
export function explainedRows(attempt: Attempt): number {
  const rows = attempt.steps.flatMap(({ role, observation }) =>
    role === 'attack' && observation.kind === 'rows' ? observation.rows : [],
  )
  const numbers = rows.flatMap((row) => {
    const plan = row['QUERY PLAN']
    if (typeof plan === 'string') {
      const removed = [...plan.matchAll(/"(?:Rows Removed by \w+|Plan Rows)": ([\d.]+)/g)]
      return removed.map(([, number]) => Number(number))
    }
    return [Number(row['n'] ?? 0)]
  })
  return Math.max(0, ...numbers.filter(Number.isFinite))
}
