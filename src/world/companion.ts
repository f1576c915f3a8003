/**
 * What stands beside a world's database and is asked with it, as its HTTP service is. Whoever opens the world
 * offers it, the world opens it when it is first asked for and closes it with itself; it knows none of them.
 */

import { Renewable, type Losable } from '../postgres/session/renewable.ts'
import type { Companion } from '../model/world.ts'
import type { World } from './world.ts'

/** Names a companion and its type. */
export class CompanionKey<T extends Losable> {
  readonly name: Companion
  /** The type alone; nothing is ever stored here. */
  declare readonly opens: T

  constructor(name: Companion) {
    this.name = name
  }

  /** An offer for the options of a world. */
  offer(open: (world: World) => Promise<T>): CompanionOffer {
    return { key: this, open }
  }
}

export interface CompanionOffer {
  readonly key: CompanionKey<Losable>
  readonly open: (world: World) => Promise<Losable>
}

export class Companions implements AsyncDisposable {
  readonly #offered: ReadonlyMap<string, Renewable<Losable>>

  constructor(world: World, offers: readonly CompanionOffer[]) {
    this.#offered = new Map(
      offers.map(({ key, open }) => [key.name, new Renewable(() => open(world))]),
    )
  }

  has(name: Companion): boolean {
    return this.#offered.has(name)
  }

  /** @throws when it is not offered, or cannot be opened. */
  async get<T extends Losable>(key: CompanionKey<T>): Promise<T> {
    const renewable = this.#offered.get(key.name)
    if (renewable === undefined) throw new Error(`this world offers no ${key.name}`)
    return (await renewable.get()) as T
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#offered.values()) await each[Symbol.asyncDispose]()
  }
}
