/** The backend that an answer names, for the context timeline. */

import type { Row } from '../model/observation.ts'

/** Null where no row came back, or none says who answered. */
export function backendIn(rows: readonly Row[]): number | null {
  const pid = Number(rows[0]?.['pid'] ?? NaN)
  return Number.isSafeInteger(pid) && pid > 0 ? pid : null
}
