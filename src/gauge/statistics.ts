/** The comparison: ratio of medians over paired blocks, with a seeded bootstrap interval. Pure. */

import { median, quantileSorted } from 'simple-statistics'
import type { Comparison, Interval } from '../model/measurement.ts'

export interface Pair {
  readonly reference: number
  readonly variant: number
}

export interface RatioEstimate {
  readonly ratio: number
  readonly interval: Interval
  readonly comparison: Comparison
  /** Half the width of the interval, as a fraction of the ratio. */
  readonly smallestVisible: number
}

const resamples = 600
const level = 0.95
/** An interval wider than this to either side decides nothing. */
const undecidedWidth = 0.15

/** Resamples whole pairs, because the blocks of one round share the state of the machine. */
export function ratioOfMedians(pairs: readonly Pair[], seed: number): RatioEstimate {
  const ratioOf = (sample: readonly Pair[]) =>
    median(sample.map((pair) => pair.variant)) / median(sample.map((pair) => pair.reference))
  const next = uniform(seed)
  const drawn = Array.from({ length: resamples }, () =>
    ratioOf(pairs.map(() => pairs[Math.floor(next() * pairs.length)] ?? { reference: 1, variant: 1 })))
    .sort((a, b) => a - b)
  const ratio = ratioOf(pairs)
  const interval = { low: quantileSorted(drawn, (1 - level) / 2), high: quantileSorted(drawn, (1 + level) / 2), level }
  const smallestVisible = (interval.high - interval.low) / 2 / ratio
  const excludesOne = interval.low > 1 || interval.high < 1
  return {
    ratio, interval, smallestVisible,
    comparison: excludesOne ? 'different' : smallestVisible <= undecidedWidth ? 'no difference shown' : 'cannot tell',
  }
}

/** Values from 0 to below 1, the same for the same seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let hash = Math.imul(state ^ (state >>> 15), state | 1)
    hash ^= hash + Math.imul(hash ^ (hash >>> 7), hash | 61)
    return ((hash ^ (hash >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
