/** A connection that is opened when it is first needed, and again when it was lost. */

import { setTimeout } from 'node:timers/promises'

export interface Losable extends AsyncDisposable {
  /** Null or false while it can be used. */
  readonly lost: Error | null | boolean
}

export class Renewable<T extends Losable> implements AsyncDisposable {
  readonly #open: () => Promise<T>
  #current: Promise<T> | null = null

  constructor(open: () => Promise<T>) {
    this.#open = open
  }

  /** The same one for everybody who asks at the same time. @throws what opening it throws. */
  async get(): Promise<T> {
    const current = (this.#current ??= this.#open())
    const found = await current.catch(() => null)
    if (found !== null && !isLost(found)) return found
    // Whoever comes first opens the next one; the others find it.
    if (this.#current === current) {
      this.#current = this.#open()
      await found?.[Symbol.asyncDispose]()
    }
    return this.#current
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const found = await this.#current?.catch(() => null)
    await found?.[Symbol.asyncDispose]()
  }
}

/** Tries until it succeeds; null when it did not within the time in ms. */
export async function openWithin<T>(limitMs: number, open: () => Promise<T>): Promise<T | null> {
  for (const until = performance.now() + limitMs; performance.now() < until;) {
    try {
      return await open()
    } catch {
      await setTimeout(limitMs / 50)
    }
  }
  return null
}

function isLost({ lost }: Losable): boolean {
  return lost !== null && lost !== false
}
