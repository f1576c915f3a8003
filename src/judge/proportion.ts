/** How far a share of few trials can be from the truth: the score interval of Wilson. Pure. */

import type { Interval } from '../model/measurement.ts'

const level = 0.95
/** Of the normal distribution, for that level. */
const z = 1.959964

/**
 * Unlike the textbook's interval it stays within 0 and 1, and says something for 20 of 20.
 * https://doi.org/10.1080/01621459.1927.10502953
 */
export function shareOf(successes: number, trials: number): Interval {
  if (trials === 0) return { low: 0, high: 1, level }
  const share = successes / trials
  const weight = 1 + z ** 2 / trials
  const middle = (share + z ** 2 / (2 * trials)) / weight
  const half = (z * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2))) / weight
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half), level }
}
