/**
 * Decides which of several concurrent requests goes on. Every driver call is a turn that is taken
 * alone, so an interleaving is a list of choices that can be replayed and shrunk. fc.scheduler draws
 * its order from the generator at every turn, and its `shrink` is empty (fast-check 4.10.2, SchedulerArbitrary).
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextTick } from 'node:timers/promises'
import type { StrategyClient, StrategyPool } from '../model/context-strategy.ts'

interface Waiting {
  readonly who: number
  readonly ready: () => boolean
  readonly go: () => void
}

const always = () => true

/** One for all: Node asks every storage that was ever used at each promise that is made, also those of the past. */
const taking = new AsyncLocalStorage<{ readonly turns: Turns; readonly who: number }>()

export class Turns {
  /** What was done, in its order: one line a driver call. */
  readonly timeline: string[] = []
  readonly #choices: readonly number[]
  readonly #names: readonly string[]
  readonly #waiting: Waiting[] = []
  #running = 0
  #onIdle: () => void = () => undefined
  #taken = 0
  #last = 0

  /** A choice of 0, or none, stays with the request that went last; `n` goes to the nth other one. */
  constructor(choices: readonly number[], names: readonly string[]) {
    this.#choices = choices
    this.#names = names
  }

  /** Runs the requests to their ends. @throws Error when they wait for each other. */
  async all(
    requests: readonly (() => Promise<void>)[],
  ): Promise<readonly PromiseSettledResult<void>[]> {
    let open = requests.length
    const outcomes = Promise.allSettled(
      requests.map(async (request, who) => {
        try {
          await taking.run({ turns: this, who }, () => this.take('begins', request))
        } finally {
          open -= 1
        }
      }),
    )
    while (open > 0) {
      await nextTick()
      // Not by polling: the server needs the processor meanwhile.
      if (this.#running > 0)
        await new Promise<void>((idle) => {
          this.#onIdle = idle
        })
      // Twice, so that whoever was answered has asked for its next turn.
      await nextTick()
      await nextTick()
      if (this.#waiting.length > 0 && this.#running === 0) this.#choose()
    }
    return outcomes
  }

  /** Waits for a turn and does something in it; the turn ends with the answer, `begins` at once. */
  async take<T>(label: string, execute: () => Promise<T>, ready = always): Promise<T> {
    const who = this.#who
    await new Promise<void>((go) => {
      this.#waiting.push({ who, ready, go })
    })
    this.note(label)
    if (label === 'begins') return execute()
    this.#running += 1
    try {
      return await execute()
    } finally {
      this.#running -= 1
      if (this.#running === 0) this.#onIdle()
    }
  }

  note(label: string): void {
    const who = this.#who
    this.timeline.push(`${who} ${this.#names[who] ?? ''}: ${label}`)
  }

  get #who(): number {
    const store = taking.getStore()
    return store?.turns === this ? store.who : 0
  }

  #choose(): void {
    const ready = this.#waiting
      .filter((each) => each.ready())
      .sort((a, b) => order(a, this.#last) - order(b, this.#last))
    if (ready.length === 0)
      throw new Error('the requests wait for each other: the pool has no connection left')
    const choice = this.#choices[this.#taken] ?? 0
    this.#taken += 1
    const chosen = ready[choice % ready.length]
    if (chosen === undefined) return
    this.#waiting.splice(this.#waiting.indexOf(chosen), 1)
    this.#last = chosen.who
    chosen.go()
  }
}

/** Who went last comes first, then the others in their order. */
function order({ who }: Waiting, last: number): number {
  return who === last ? -1 : who
}

/** The pool as the requests see it: one object for all, every call a turn. */
export function poolInTurns(
  pool: StrategyPool,
  turns: Turns,
  connectionsMax: number,
): StrategyPool {
  let lent = 0
  const hasRoom = () => lent < connectionsMax
  const known = new WeakMap<StrategyClient, StrategyClient>()
  return {
    query: (sql, values) =>
      turns.take(`any connection: ${shortened(sql)}`, () => pool.query(sql, values), hasRoom),
    connect: () =>
      turns.take(
        'connects',
        async () => {
          lent += 1
          const client = await pool.connect()
          const existing = known.get(client)
          if (existing !== undefined) return existing
          const made: StrategyClient = {
            query: (sql, values) => turns.take(shortened(sql), () => client.query(sql, values)),
            release: (error) => {
              lent -= 1
              turns.note('releases')
              client.release(error)
            },
          }
          known.set(client, made)
          return made
        },
        hasRoom,
      ),
  }
}

function shortened(sql: string): string {
  if (sql.includes('/* canary */')) return 'looks for canaries'
  const line = sql.replace(/\s+/g, ' ')
  return line.length > 70 ? `${line.slice(0, 69)}…` : line
}
