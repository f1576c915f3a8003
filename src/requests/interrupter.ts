/** A second session of the application, by which a request's statement or connection is ended from outside. */

import { setTimeout } from 'node:timers/promises'
import type { Row } from '../model/observation.ts'
import { Renewable } from '../postgres/session/renewable.ts'
import type { Session } from '../postgres/session/session.ts'
import type { World } from '../world/world.ts'

const goneWithinMs = 2_000
const lookEveryMs = 4

export class Interrupter implements AsyncDisposable {
  readonly #session: Renewable<Session>

  constructor(world: World) {
    this.#session = new Renewable(() => world.connect())
  }

  /** One for all searches of a world. */
  static of(this: void, world: World): Interrupter {
    return new Interrupter(world)
  }

  /** Cancels what the backend runs; without effect on an idle one. */
  async cancel(pid: number): Promise<void> {
    await this.#run(`SELECT pg_cancel_backend(${pid})`)
  }

  /**
   * Ends backends, and returns when they are gone: their number, which leaves out those of others by the same id.
   * pg_terminate_backend with a time limit looks every 100 ms only:
   * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
   */
  async terminate(pids: readonly number[]): Promise<number> {
    const mine = `pg_catalog.pg_stat_activity WHERE usename = current_user
      AND datname = current_database() AND pid IN (${[0, ...pids].join(', ')})`
    const ended = await this.#run(`SELECT pg_terminate_backend(pid) FROM ${mine}`)
    for (const until = performance.now() + goneWithinMs; performance.now() < until;) {
      if ((await this.#run(`SELECT FROM ${mine}`)).length === 0) break
      await setTimeout(lookEveryMs)
    }
    return ended.length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]()
  }

  async #run(sql: string): Promise<readonly Row[]> {
    return (await this.#session.get()).query(sql)
  }
}
