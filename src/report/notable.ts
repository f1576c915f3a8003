/** Which of many measurements a summary shows: all of the hardened form, the worst of the others. */

import type { Measurement } from '../model/measurement.ts'
import { groupBy } from './group-by.ts'

export function notableMeasurements(measurements: readonly Measurement[]): Measurement[] {
  const hardened = measurements.filter((each) => each.variant === 'hardened')
  const others = groupBy(
    measurements.filter((each) => each.variant !== 'hardened' && !each.variant.includes('A/A')),
    (each) => each.variant,
  )
  const worst = [...others.values()].flatMap((group) =>
    group.toSorted((a, b) => b.ratio - a.ratio).slice(0, 1),
  )
  return [...hardened, ...worst]
}
