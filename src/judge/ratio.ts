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
  /** Difference, as a fraction, that nine of ten such measurements would have shown. */
  readonly smallestVisible: number
  /** Pairs still missing before the comparison can be decided; 0 when it is. */
  readonly pairsMissing: number
}

const resamples = 600
const level = 0.95
/** Fewer pairs than this make no bootstrap interval that can be trusted. */
export const pairsMin = 8
/** A measurement that would have missed a larger difference than this decides nothing. */
const visibleMax = 0.15
/** Half an interval shows an effect of its own size in half of the runs: (1.96 + 1.28) / 1.96 of it in nine of ten. */
const powerFactor = 1.65

/**
 * Ratio of the medians; above 1 the variant is slower. Whole pairs are resampled, because the blocks
 * of one round share the state of the machine. `noise` is what the reference against itself differed
 * by in the same run, as a fraction: a difference within it is none. The same seed gives the same interval.
 */
export function ratioOfMedians(
  pairs: readonly Pair[],
  { seed, noise = 0 }: { readonly seed: number; readonly noise?: number },
): RatioEstimate {
  if (pairs.length === 0) return nothing
  const next = uniform(seed)
  const drawn = Array.from({ length: resamples }, () =>
    ratioOf(pairs, () => Math.floor(next() * pairs.length)),
  ).sort((a, b) => a - b)
  let index = 0
  const ratio = ratioOf(pairs, () => index++ % pairs.length)
  const interval = {
    low: quantileSorted(drawn, (1 - level) / 2),
    high: quantileSorted(drawn, (1 + level) / 2),
    level,
  }
  const half = (interval.high - interval.low) / 2 / ratio
  const smallestVisible = Math.max(half * powerFactor, noise)
  return {
    ratio,
    interval,
    smallestVisible,
    ...answer({ pairs: pairs.length, ratio, interval, half, noise }),
  }
}

/**
 * A variant that was so slow that it got a handful of samples. All of them together bound its median:
 * it lies within the range of n samples with probability 1 - 2^(1-n), which is the level of the
 * interval. Different only when chance would have put all of them on one side in less than 5 % of runs.
 */
export function ratioOfFew(
  samples: readonly number[],
  references: readonly number[],
): RatioEstimate {
  if (samples.length === 0 || references.length === 0) return nothing
  const base = median([...references])
  const [low, high] = [Math.min(...samples), Math.max(...samples)]
  const apart = low > Math.max(...references) || high < Math.min(...references)
  const byChance = 2 / combinations(samples.length + references.length, samples.length)
  const ratio = median([...samples]) / base
  return {
    ratio,
    interval: { low: low / base, high: high / base, level: 1 - 2 ** (1 - samples.length) },
    comparison: apart && byChance <= 1 - level ? 'different' : 'cannot tell',
    smallestVisible: Math.max(...references) / base - 1,
    pairsMissing: Math.max(0, pairsMin - samples.length),
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

const nothing: RatioEstimate = {
  ratio: 0,
  interval: { low: 0, high: 0, level: 0 },
  comparison: 'cannot tell',
  smallestVisible: 1,
  pairsMissing: pairsMin,
}

function ratioOf(pairs: readonly Pair[], draw: () => number): number {
  const [variants, references]: [number[], number[]] = [[], []]
  for (let index = 0; index < pairs.length; index += 1) {
    const pair = pairs[draw()]
    if (pair === undefined) continue
    variants.push(pair.variant)
    references.push(pair.reference)
  }
  return median(variants) / median(references)
}

interface Width {
  readonly pairs: number
  readonly ratio: number
  readonly interval: Interval
  readonly half: number
  readonly noise: number
}

/** Intervals shrink with the root of the number of pairs: from that follows how many are missing. */
function answer({
  pairs,
  ratio,
  interval,
  half,
  noise,
}: Width): Pick<RatioEstimate, 'comparison' | 'pairsMissing'> {
  if (pairs < pairsMin) return { comparison: 'cannot tell', pairsMissing: pairsMin - pairs }
  const excludesOne = interval.low > 1 || interval.high < 1
  if (excludesOne && Math.abs(ratio - 1) > noise)
    return { comparison: 'different', pairsMissing: 0 }
  const wanted = Math.ceil(pairs * ((half * powerFactor) / visibleMax) ** 2)
  return wanted <= pairs
    ? { comparison: noise <= visibleMax ? 'no difference shown' : 'cannot tell', pairsMissing: 0 }
    : { comparison: 'cannot tell', pairsMissing: wanted - pairs }
}

/** As many ways to choose `few` of `all`; grows past every limit and is only compared. */
function combinations(all: number, few: number): number {
  let ways = 1
  for (let chosen = 1; chosen <= few; chosen += 1) ways *= (all - few + chosen) / chosen
  return ways
}
