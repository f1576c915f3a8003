/** The gate of the price: how much slower hardened row security may be than a plain query. */

import type { Measurement } from '../model/measurement.ts'
import type { GateResult } from '../model/report.ts'
import type { Undecided } from './decide.ts'
import type { GateRules } from './rules.ts'

/** Shuts only when the lower bound of an interval is above the ratio: noise never shuts it. */
export function performanceGate(input: Undecided, rules: GateRules): GateResult {
  const hardened = input.measurements.filter((each) => each.variant === 'hardened')
  const gate = {
    id: 'hardened-overhead',
    kind: 'performance' as const,
    expression: `hardened overhead <= ${rules.maxHardenedOverhead}×`,
  }
  const unusable = hardened.map((each) => doubtAbout(each, rules)).filter((doubt) => doubt !== null)
  const usable = hardened.filter((each) => doubtAbout(each, rules) === null)
  const worst = usable.toSorted((a, b) => b.interval.low - a.interval.low)[0]
  if (worst !== undefined && worst.interval.low > rules.maxHardenedOverhead) {
    return {
      ...gate,
      value: textOf(worst),
      state: 'shut',
      reason: `The ${worst.query} costs ${textOf(worst)}`,
    }
  }
  const doubt = unusable[0]
  if (worst === undefined || doubt !== undefined) {
    const reason = doubt ?? 'The overhead of hardened row security was not measured'
    return {
      ...gate,
      value: worst === undefined ? 'missing' : textOf(worst),
      state: 'undecided',
      reason,
    }
  }
  const reason = `The dearest query, ${worst.query}, costs ${textOf(worst)}`
  return { ...gate, value: textOf(worst), state: 'open', reason }
}

/** Why a measurement cannot open the gate, null when it can. */
function doubtAbout(measurement: Measurement, rules: GateRules): string | null {
  const { query, interval, ratio, pairs, capped, comparison } = measurement
  if (![ratio, interval.low, interval.high].every(Number.isFinite) || pairs === 0) {
    return `The ${query} has no usable ratio${measurement.note === null ? '' : `: ${measurement.note}`}`
  }
  if (capped) return `The ${query} was so slow that it got ${pairs} samples only`
  if (rules.strict && comparison === 'cannot tell')
    return `The ${query} was measured too coarsely to tell`
  return null
}

function textOf({ ratio, interval }: Measurement): string {
  return `${ratio.toFixed(2)}× (${interval.low.toFixed(2)} to ${interval.high.toFixed(2)})`
}
