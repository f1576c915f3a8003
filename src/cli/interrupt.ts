/** Ctrl-C asks the run to stop and write what it has; a second one leaves at once. */

import type { CutShort } from '../model/report.ts'
import { watchParent } from './parent.ts'

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal
  /** What came first: a signal or the end of the time; null while nothing did. */
  cause(): CutShort | null
}

const signals = { SIGINT: 130, SIGTERM: 143 } as const

export function interruptible(timeMs: number): Interrupt {
  const controller = new AbortController()
  let received: CutShort | null = null
  const handlers = (['SIGINT', 'SIGTERM'] as const).map((name) => {
    const handler = () => {
      if (received !== null) process.exit(signals[name])
      received = { by: 'signal', signal: name, text: name }
      process.stderr.write(
        `\n${name}: stopping, and writing what was seen so far (again to leave at once)\n`,
      )
      controller.abort()
    }
    process.on(name, handler)
    return [name, handler] as const
  })
  const leave = watchParent(process.env, () => {
    received ??= { by: 'signal', signal: 'SIGTERM', text: 'npm, which started this run, has ended' }
    controller.abort()
  })
  const timer = setTimeout(() => {
    received ??= { by: 'time', text: `time limit of ${timeMs / 1000} s` }
    controller.abort()
  }, timeMs)
  timer.unref()
  return {
    signal: controller.signal,
    cause: () => received,
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      leave()
      for (const [name, handler] of handlers) process.off(name, handler)
    },
  }
}
