/** How long a run still takes: pure arithmetic over what its parts are expected to cost. */

import type { StageName } from './progress.ts'

export interface Expectation {
  readonly stages: readonly { readonly stage: StageName; readonly ms: number }[]
  /** True when an earlier run on this machine was measured, so that the first second has an answer. */
  readonly isMeasured: boolean
}

export interface Moment {
  readonly stage: StageName
  /** Done of this stage, 0 to 1. */
  readonly share: number
  readonly elapsedMs: number
}

export interface Place {
  /** From 1; 0 for what is no stage of the plan. */
  readonly index: number
  readonly of: number
  /** Null until enough is done to tell. */
  readonly leftMs: number | null
}

/** Done of the whole before built-in costs, which know nothing of this machine, tell anything. */
const tellingShare = 0.05
/** How much of the whole a measured expectation counts for beside what is seen now. */
const trust = 0.1

/** What is left costs as much more, or less, than expected as what is done did. */
export function placeIn({ stages, isMeasured }: Expectation, moment: Moment): Place {
  const at = stages.findIndex(({ stage }) => stage === moment.stage)
  const of = stages.length
  if (at === -1) return { index: 0, of, leftMs: null }
  const sum = (part: Expectation['stages']) => part.reduce((all, { ms }) => all + ms, 0)
  const total = sum(stages)
  const share = Math.min(1, Math.max(0, moment.share))
  const done = sum(stages.slice(0, at)) + share * (stages[at]?.ms ?? 0)
  const known = isMeasured ? trust * total : 0
  if (total === 0 || (!isMeasured && done < tellingShare * total))
    return { index: at + 1, of, leftMs: null }
  const pace = (moment.elapsedMs + known) / (done + known)
  return { index: at + 1, of, leftMs: (total - done) * pace }
}
