/** Ctrl-C asks the run to stop and write what it has; a second one leaves at once. */

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal
  /** SIGINT or SIGTERM once one came, else null. */
  name(): string | null
}

const signals = { SIGINT: 130, SIGTERM: 143 } as const

export function interruptible(timeMs: number): Interrupt {
  const controller = new AbortController()
  let received: string | null = null
  const handlers = Object.entries(signals).map(([name, code]) => {
    const handler = () => {
      if (received !== null) process.exit(code)
      received = name
      process.stderr.write(
        `\n${name}: stopping, and writing what was seen so far (again to leave at once)\n`,
      )
      controller.abort()
    }
    process.on(name, handler)
    return [name, handler] as const
  })
  const timer = setTimeout(() => {
    received ??= `time limit of ${timeMs} ms`
    controller.abort()
  }, timeMs)
  timer.unref()
  return {
    signal: controller.signal,
    name: () => received,
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      for (const [name, handler] of handlers) process.off(name, handler)
    },
  }
}
