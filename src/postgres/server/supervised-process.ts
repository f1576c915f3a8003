/** One server process we started: its log, the moment it ends, and a shutdown that always ends. */

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { launch, type LaunchOptions } from './launch.ts'
import type { LogRing } from './log-ring.ts'
import type { ShutdownStep } from './server-record.ts'

export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly log: readonly string[]
  /** True when we asked for it. */
  readonly expected: boolean
}

/** Enough for the last lines to arrive; waiting for the pipe's end could wait for orphaned backends. */
const LAST_WORDS_MS = 200

export class SupervisedProcess {
  /** Resolves when the process has ended, for whatever reason; never rejects. */
  readonly exited: Promise<ProcessExit>
  readonly #child: ChildProcess
  readonly #log: LogRing
  #stopping = false

  private constructor(child: ChildProcess, log: LogRing) {
    this.#child = child
    this.#log = log
    this.exited = this.#watch()
    // A forgotten server must not keep its owner alive: the watchdog ends it when the owner is done.
    child.unref()
    for (const stream of [child.stdout, child.stderr])
      (stream as unknown as { unref(): void }).unref()
  }

  static async start(
    program: string,
    args: readonly string[],
    options: LaunchOptions,
  ): Promise<SupervisedProcess> {
    const { child, log } = await launch(program, args, options)
    return new SupervisedProcess(child, log)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  logTail(): readonly string[] {
    return this.#log.tail()
  }

  /** Sends each signal in turn, as long as the process lives on after the patience of the one before. */
  async stop(steps: readonly ShutdownStep[]): Promise<void> {
    this.#stopping = true
    this.#child.ref()
    for (const [signal, patienceMs] of steps) {
      if (this.hasExited) break
      this.#child.kill(signal)
      await this.#exitWithin(patienceMs)
    }
    if (this.hasExited) await this.exited
  }

  async #exitWithin(limitMs: number): Promise<void> {
    const timer = new AbortController()
    const limit = pause(limitMs, undefined, { signal: timer.signal }).catch(() => undefined)
    await Promise.race([this.exited, limit])
    timer.abort()
  }

  async #watch(): Promise<ProcessExit> {
    const closed = once(this.#child, 'close')
    const [code, signal] = (await once(this.#child, 'exit')) as [
      number | null,
      NodeJS.Signals | null,
    ]
    const timer = new AbortController()
    await Promise.race([
      closed,
      pause(LAST_WORDS_MS, undefined, { signal: timer.signal }).catch(() => undefined),
    ])
    timer.abort()
    return { code, signal, log: this.#log.tail(), expected: this.#stopping }
  }
}
