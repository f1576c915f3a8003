/** Keeps the last lines a server process wrote, because a start-up error without them explains nothing. */

import type { Readable } from 'node:stream'

const LINES_KEPT = 20
const LINE_LENGTH_MAX = 1_000

export class LogRing {
  readonly #lines: string[] = []
  #unfinished = ''

  /** Reads the stream to its end; a stream that breaks ends the log, the process's exit tells the rest. */
  follow(stream: Readable): void {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      this.#take(text)
    })
    stream.on('error', (error) => {
      this.#take(`\nlog lost: ${error.message}\n`)
    })
  }

  /** At most 20 lines of at most 1,000 characters, oldest first. */
  tail(): readonly string[] {
    return this.#unfinished === ''
      ? [...this.#lines]
      : [...this.#lines, this.#unfinished].slice(-LINES_KEPT)
  }

  #take(text: string): void {
    const parts = (this.#unfinished + text).split(/\r?\n/)
    this.#unfinished = (parts.pop() ?? '').slice(0, LINE_LENGTH_MAX)
    const lines = parts.filter((line) => line !== '').map((line) => line.slice(0, LINE_LENGTH_MAX))
    this.#lines.push(...lines.slice(-LINES_KEPT))
    this.#lines.splice(0, this.#lines.length - LINES_KEPT)
  }
}
