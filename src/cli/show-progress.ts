/** Progress on stderr: one live line on a terminal, one line per stage elsewhere. */

import type { Progress, RunEvents } from '../run/progress.ts'

export interface ProgressDisplay extends RunEvents {
  /** Clears the live line. */
  done(): void
}

const refreshMs = 100

export function progressOn(stream: NodeJS.WriteStream): ProgressDisplay {
  const live = stream.isTTY
  const startedMs = performance.now()
  let shownMs = 0
  let stage: { name: string; startedMs: number } | null = null
  const clear = () => {
    if (live) stream.write('\r\u001B[K')
  }
  return {
    onProgress: (progress) => {
      if (!live) return
      const nowMs = performance.now()
      if (stage?.name !== progress.stage) stage = { name: progress.stage, startedMs: nowMs }
      if (nowMs - shownMs < refreshMs) return
      shownMs = nowMs
      stream.write(
        `\r\u001B[K${lineOf(progress, nowMs - stage.startedMs).slice(0, Math.max(20, stream.columns - 1))}`,
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

/** Stage, share, cases, leaks, time left. */
function lineOf(progress: Progress, elapsedMs: number): string {
  const { stage, what, done, total, cases, leaks } = progress
  const share = total === 0 ? 0 : done / total
  const left = share > 0.05 ? `${Math.ceil((elapsedMs / share - elapsedMs) / 1000)} s left` : '...'
  const counts =
    stage === 'verify' ? `  ${cases.toLocaleString('en-US')} cases  ${leaks} leaks` : ''
  return `${stage.padEnd(7)} ${String(Math.round(share * 100)).padStart(3)} %${counts}  ${left}  ${what}`
}
