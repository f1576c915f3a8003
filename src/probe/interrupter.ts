/** A second session of the application, by which a request's statement or connection is ended from outside. */

import type { Session } from '../postgres/session.ts'
import type { World } from './world.ts'

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

  /** Ends the backend, and returns when it is gone. */
  async terminate(pid: number): Promise<void> {
    await this.#run(`SELECT pg_terminate_backend(${pid}, 2000)`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#session?.catch(() => null))?.[Symbol.asyncDispose]()
  }

  async #run(sql: string): Promise<void> {
    this.#session ??= this.#world.connect()
    await (await this.#session).query(sql)
  }
}
