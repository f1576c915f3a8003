/** Progress on stderr: one live line on a terminal, one line per stage elsewhere. */

import type { Progress, RunEvents } from '../run/progress.ts'
import { placeIn, type Expectation } from '../run/time-left.ts'

export interface ProgressDisplay extends RunEvents {
  /** Clears the live line. */
  done(): void
}

const refreshMs = 100

export function progressOn(stream: NodeJS.WriteStream): ProgressDisplay {
  const live = stream.isTTY
  const startedMs = performance.now()
  let shownMs = 0
  let plan: Expectation | null = null
  const clear = () => {
    if (live) stream.write('\r\u001B[K')
  }
  return {
    onPlan: (expected) => {
      plan = expected
    },
    onProgress: (progress) => {
      if (!live) return
      const nowMs = performance.now()
      if (nowMs - shownMs < refreshMs) return
      shownMs = nowMs
      stream.write(
        `\r\u001B[K${lineOf(progress, plan, nowMs - startedMs).slice(0, Math.max(20, stream.columns - 1))}`,
      )
    },
    onStage: (name, durationMs, summary) => {
      clear()
      stream.write(
        `${name.padEnd(7)} ${(durationMs / 1000).toFixed(1).padStart(5)} s  ${summary}\n`,
      )
      if (name === 'report')
        stream.write(
          `total   ${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s\n`,
        )
    },
    done: clear,
  }
}

/** Stage and its place, share of it, cases, leaks, time gone and left of the whole command. */
function lineOf(progress: Progress, plan: Expectation | null, elapsedMs: number): string {
  const { stage, what, done, total, cases, leaks } = progress
  const share = total === 0 ? 0 : done / total
  const place = plan === null ? null : placeIn(plan, { stage, share, elapsedMs })
  const where = place === null || place.index === 0 ? '' : `${place.index}/${place.of} `
  const leftMs = place?.leftMs ?? null
  const left = leftMs === null ? '' : `, about ${inWords(leftMs)} left`
  const counts =
    stage === 'verify' ? `  ${cases.toLocaleString('en-US')} cases  ${leaks} leaks` : ''
  return (
    `${where}${stage.padEnd(6)} ${String(Math.round(share * 100)).padStart(3)} %${counts}  ` +
    `${inWords(elapsedMs)}${left}  ${what}`
  )
}

function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  return seconds < 60
    ? `${seconds} s`
    : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} min`
}
