/** A second session of the application, by which a request's statement or connection is ended from outside. */

import type { Row } from '../model/observation.ts'
import type { Session } from '../postgres/session/session.ts'
import type { World } from '../world/world.ts'

export class Interrupter implements AsyncDisposable {
  readonly #world: World
  #session: Promise<Session> | null = null

  constructor(world: World) {
    this.#world = world
  }

  /** Cancels what the backend runs; without effect on an idle one. */
  async cancel(pid: number): Promise<void> {
    await this.#run(`SELECT pg_cancel_backend(${pid})`)
  }

  /** Ends backends, and returns when they are gone: their number, which leaves out those of others by the same id. */
  async terminate(pids: readonly number[]): Promise<number> {
    const rows = await this
      .#run(`SELECT pg_terminate_backend(pid, 2000) FROM pg_catalog.pg_stat_activity
      WHERE usename = current_user AND datname = current_database() AND pid IN (${[0, ...pids].join(', ')})`)
    return rows.length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#session?.catch(() => null))?.[Symbol.asyncDispose]()
  }

  async #run(sql: string): Promise<readonly Row[]> {
    this.#session ??= this.#world.connect()
    return (await this.#session).query(sql)
  }
}
