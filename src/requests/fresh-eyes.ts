/** What connections see that nobody has used: without a tenant, and in each one's context as the platform enters it. */

import type { Tenant } from '../model/tenant.ts'
import type { Session } from '../postgres/session/session.ts'
import type { World } from '../world/world.ts'
import { outlookIn, outlookSql, settingNamesSql, type Outlook } from './outlook.ts'

const looksOfAKind = 2

/** Its connection never carries a context beyond a transaction of its own, so it may be asked again and again. */
export class FreshEyes implements AsyncDisposable {
  readonly #world: World
  readonly #seen = new Map<Tenant | null, Promise<Outlook>>()
  readonly #looks = new Map<string, number>()
  #session: Promise<Session> | null = null
  #untouched: Promise<Session> | null = null
  #names: Promise<readonly string[]> | null = null

  constructor(world: World) {
    this.#world = world
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
    return known
  }

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

  /** Once more: whoever has changed something meanwhile must not look like a leak. */
  async seeAgain(tenant: Tenant | null): Promise<Outlook> {
    this.#seen.delete(tenant)
    return this.see(tenant)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of [this.#session, this.#untouched])
      await (await session?.catch(() => null))?.[Symbol.asyncDispose]()
  }

  async #look(tenant: Tenant | null): Promise<Outlook> {
    const sql = outlookSql(await this.names(), this.#world.context.columns)
    const session = await (tenant === null
      ? (this.#untouched ??= this.#world.connect())
      : (this.#session ??= this.#world.connect()))
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
