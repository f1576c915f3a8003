/** What connections see that nobody has used: without a tenant, and in each one's context as the platform enters it. */

import type { Tenant } from '../model/tenant.ts'
import { Renewable } from '../postgres/session/renewable.ts'
import type { Session } from '../postgres/session/session.ts'
import type { World } from '../world/world.ts'
import { outlookIn, outlookSql, settingNamesSql, type Outlook } from './outlook.ts'

/** Which kinds of sessions a search has looked through already. */
export class KindsSeen {
  readonly #looks = new Map<string, number>()

  /** True for the first looks of each kind: what a session carries decides what it sees, whoever the tenant is. */
  isNew(kind: string): boolean {
    const looks = (this.#looks.get(kind) ?? 0) + 1
    this.#looks.set(kind, looks)
    return looks <= looksOfAKind
  }

  /** What showed something is looked at whenever it comes again, as it does while a witness is made smaller. */
  forget(kind: string): void {
    this.#looks.delete(kind)
  }
}

const looksOfAKind = 2

/** Its connection never carries a context beyond a transaction of its own, so it may be asked again and again. */
export class FreshEyes implements AsyncDisposable {
  readonly #world: World
  readonly #seen = new Map<Tenant | null, Promise<Outlook>>()
  readonly #session: Renewable<Session>
  readonly #untouched: Renewable<Session>
  #names: Promise<readonly string[]> | null = null

  constructor(world: World) {
    this.#world = world
    this.#session = new Renewable(() => world.connect())
    this.#untouched = new Renewable(() => world.connect())
  }

  /** One pair of eyes for all searches of a world. */
  static of(this: void, world: World): FreshEyes {
    return new FreshEyes(world)
  }

  /** Settings of its own that the database's policies, functions and views name. */
  names(): Promise<readonly string[]> {
    this.#names ??= this.#world.admin
      .query(settingNamesSql)
      .then((rows) => rows.map((row) => String(row['name'])))
    return this.#names
  }

  /** @throws when a fresh connection cannot look. */
  async see(tenant: Tenant | null): Promise<Outlook> {
    const known = this.#seen.get(tenant) ?? this.#look(tenant)
    this.#seen.set(tenant, known)
    // A connection that was lost, as by a crash of the server, is another one the next time.
    known.catch(() => this.#seen.delete(tenant))
    return known
  }

  /** Once more: whoever has changed something meanwhile must not look like a leak. */
  async seeAgain(tenant: Tenant | null): Promise<Outlook> {
    this.#seen.delete(tenant)
    return this.see(tenant)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]()
    await this.#untouched[Symbol.asyncDispose]()
  }

  async #look(tenant: Tenant | null): Promise<Outlook> {
    const sql = outlookSql(await this.names(), this.#world.context.columns)
    const session = await (tenant === null ? this.#untouched : this.#session).get()
    const outlook =
      tenant === null
        ? outlookIn(await session.client.query(sql))
        : await this.#inContext(session, tenant, sql)
    if (outlook === null) throw new Error('a fresh connection does not say what it sees')
    return outlook
  }

  async #inContext(session: Session, tenant: Tenant, sql: string): Promise<Outlook | null> {
    await session.query('BEGIN')
    try {
      for (const statement of this.#world.enter(tenant)) await session.query(statement.sql)
      return outlookIn(await session.client.query(sql))
    } finally {
      await session.query('ROLLBACK')
    }
  }
}
