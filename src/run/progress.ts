/** What a run tells while it works; the CLI decides how to show it. */

export type StageName = 'server' | 'seed' | 'verify' | 'prove' | 'bench' | 'report'

export interface Progress {
  readonly stage: StageName
  /** What is being done now, in a few words. */
  readonly what: string
  readonly done: number
  readonly total: number
  readonly cases: number
  readonly leaks: number
}

export interface RunEvents {
  readonly onProgress?: (progress: Progress) => void
  readonly onStage?: (stage: StageName, durationMs: number, summary: string) => void
}
