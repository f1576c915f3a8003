/** What a run tells while it works; the CLI decides how to show it. */

import type { Expectation } from './time-left.ts'

export type StageName = 'server' | 'seed' | 'verify' | 'prove' | 'bench' | 'report'

export interface Progress {
  readonly stage: StageName
  /** What is being done now, in a few words. */
  readonly what: string
  readonly done: number
  readonly total: number
  readonly cases: number
  /** Of worlds that are judged. */
  readonly leaks: number
}

export interface RunEvents {
  /** Before the first stage: what the stages are and what they are expected to cost. */
  readonly onPlan?: (plan: Expectation) => void
  readonly onProgress?: (progress: Progress) => void
  readonly onStage?: (stage: StageName, durationMs: number, summary: string) => void
}
