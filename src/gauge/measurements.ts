/** From blocks to measurements: ratios against the plain variant of the same round, and rows that must agree. Pure. */

import { quantileSorted } from 'simple-statistics'
import type { Measurement } from '../model/measurement.ts'
import type { Block } from './sampler.ts'
import { ratioOfFew, ratioOfMedians, type Pair, type RatioEstimate } from '../judge/ratio.ts'
import { againOf, type Variant } from './variant.ts'

/** What was sampled of a variant; the first series of a comparison is the reference. */
export interface Series {
  readonly variant: Variant
  readonly size: number
  /** So slow that it got single statements, and a handful of them. */
  readonly capped: boolean
  /** Block of each round, null in those it sat out. */
  readonly blocks: readonly (Block | null)[]
  /** Why it could not be measured to the end. */
  readonly failure: string | null
}

export interface MeasuringOptions {
  readonly seed: number
  readonly gauge: string
}

const quantiles = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1] as const
/** Samples without which a 99th percentile is guesswork. */
const samplesForP99 = 3_000

/**
 * A variant that failed has a failure and no measurement. One whose answers differ from the
 * reference's has a failure and a measurement that decides nothing: it does other work, so its time
 * says nothing, and its rows may be another tenant's.
 */
export function measurementsOf(
  query: string,
  all: readonly Series[],
  options: MeasuringOptions,
): { readonly measurements: readonly Measurement[]; readonly failures: readonly string[] } {
  const [reference, ...others] = all
  if (reference === undefined)
    return { measurements: [], failures: [`${query}: nothing was measured`] }
  const failures = all.flatMap(({ variant, failure }) =>
    failure === null ? [] : [`${query} of ${variant.title} could not be measured: ${failure}`],
  )
  if (reference.failure !== null) return { measurements: [], failures }
  const again = others.find(({ variant }) => variant.title === againOf(reference.variant).title)
  const noise =
    again === undefined ? 0 : noiseOf(estimateOf(reference, again, { ...options, noise: 0 }))
  const measurements = others
    .filter(({ failure }) => failure === null)
    .map((each) =>
      measurementOf(query, { reference, each, noise: each === again ? 0 : noise }, options),
    )
  const wrong = measurements.flatMap(({ pairs, note, variant }) =>
    pairs === 0 ? [`${query} of ${variant}: ${note ?? 'no pairs were measured'}`] : [],
  )
  return { measurements, failures: [...failures, ...wrong] }
}

/** What the plain variant differs by from itself, whichever was faster. */
function noiseOf({ ratio }: RatioEstimate): number {
  return ratio > 0 ? Math.max(ratio, 1 / ratio) - 1 : 0
}

interface Compared {
  readonly reference: Series
  readonly each: Series
  readonly noise: number
}

function measurementOf(
  query: string,
  { reference, each, noise }: Compared,
  options: MeasuringOptions,
): Measurement {
  const disagreement = disagreementOf(reference, each)
  const estimate = estimateOf(reference, each, { ...options, noise })
  const [sorted, base] = [samplesOf(each), samplesOf(reference)]
  const at = (values: readonly number[], quantile: number) =>
    values.length === 0 ? 0 : Math.round(quantileSorted([...values], quantile) * 10_000) / 10_000
  return {
    id: `${options.gauge}:${query}:${each.variant.title}`,
    gauge: options.gauge,
    query,
    variant: each.variant.title,
    reference: reference.variant.title,
    ratio: estimate.ratio,
    interval: estimate.interval,
    comparison: disagreement === null ? estimate.comparison : 'cannot tell',
    smallestVisible: estimate.smallestVisible,
    cpuRatio: cpuRatioOf(reference, each, options),
    pairs: disagreement === null ? blocksOf(each).length : 0,
    statementsPerBlock: each.size,
    latencyMsP50: at(sorted, 0.5),
    latencyMsP95: at(sorted, 0.95),
    referenceLatencyMsP50: at(base, 0.5),
    latencyMsP99: sorted.length >= samplesForP99 ? at(sorted, 0.99) : null,
    quantilesMs: quantiles.map((quantile) => [quantile, at(sorted, quantile)] as const),
    capped: each.capped,
    note: disagreement ?? noteOf(estimate, each, noise),
  }
}

/** A capped variant has no rounds enough for pairs: its few samples stand against all of the reference's blocks. */
function estimateOf(
  reference: Series,
  each: Series,
  { seed, noise }: { readonly seed: number; readonly noise: number },
): RatioEstimate {
  return each.capped
    ? ratioOfFew(
        blocksOf(each).map(({ ms }) => ms),
        blocksOf(reference).map(({ ms }) => ms),
      )
    : ratioOfMedians(
        pairsOf(reference, each, ({ ms }) => ms),
        { seed, noise },
      )
}

function cpuRatioOf(reference: Series, each: Series, { seed }: MeasuringOptions): number | null {
  const pairs = pairsOf(reference, each, ({ cpuNs }) => cpuNs).filter(
    (pair) => pair.reference > 0 && pair.variant > 0,
  )
  return pairs.length === 0 ? null : ratioOfMedians(pairs, { seed }).ratio
}

function pairsOf(
  reference: Series,
  each: Series,
  pick: (block: Block) => number | null,
): readonly Pair[] {
  return each.blocks.flatMap((block, round) => {
    const base = reference.blocks[round]
    if (block === null || base === null || base === undefined) return []
    const [variant, of] = [pick(block), pick(base)]
    return variant === null || of === null ? [] : [{ variant, reference: of }]
  })
}

/** Statement by statement: the same tenant's same row was asked for, so as many rows must come back. */
function disagreementOf(reference: Series, each: Series): string | null {
  for (const [round, block] of each.blocks.entries()) {
    const expected = reference.blocks[round]?.rows ?? []
    for (const [index, rows] of (block?.rows ?? []).entries()) {
      if (rows !== expected[index]) {
        return `${rows} rows where the plain query gives ${expected[index] ?? 'none'}: other rows, no measurement`
      }
      if (rows === 0) return 'no rows at all: nothing was measured'
    }
  }
  return null
}

function noteOf(
  { comparison, pairsMissing }: RatioEstimate,
  { capped }: Series,
  noise: number,
): string | null {
  const percent = `${(noise * 100).toFixed(1)} %`
  if (comparison === 'cannot tell') {
    return pairsMissing > 0
      ? `${pairsMissing} more ${capped ? 'samples' : 'pairs'} needed to tell`
      : `the machine is too noisy: the plain query differs by ${percent} from itself`
  }
  return comparison === 'no difference shown' && noise > 0
    ? `the plain query differs by ${percent} from itself`
    : null
}

function blocksOf({ blocks }: Series): readonly Block[] {
  return blocks.filter((block) => block !== null)
}

function samplesOf(series: Series): readonly number[] {
  return blocksOf(series)
    .flatMap(({ samples }) => samples)
    .sort((a, b) => a - b)
}
