/**
 * A world: one database under one tenancy, with its catalog and its ground truth. Probes attack it
 * through `attempt`, as the application would, and never learn how the world came to be.
 */

import { messageOf } from '../errors.ts'
import { allCapabilities } from '../model/capability.ts'
import type { Catalog, TablePrivilege } from '../model/catalog.ts'
import type { Attempt, Statement } from '../model/observation.ts'
import { worldKey } from '../model/tenancy.ts'
import type { Tenant } from '../model/tenant.ts'
import type { Companion, WorldFacts, WorldObject } from '../model/world.ts'
import { openWithin, Renewable, type Losable } from '../postgres/session/renewable.ts'
import { Session } from '../postgres/session/session.ts'
import { survey } from '../postgres/survey/survey.ts'
import { Companions, type CompanionKey } from './companion.ts'
import { readGroundTruth } from './ground-truth.ts'
import { worldObjects } from './world-object.ts'
import { rolesOfPlaces, type WorldOptions } from './world-options.ts'
import { WriteOracle, type WriteOptions, type Written } from './write-oracle.ts'

export interface AttemptOptions {
  /** Use a session that never carried a context; the statements must not enter one. */
  readonly freshSession?: boolean
}

/** A server in crash recovery refuses connections for less than this, where it has as little to recover as here. */
const revivalMs = 10_000

export class World implements WorldFacts, AsyncDisposable {
  readonly options: WorldOptions
  readonly catalog: Catalog
  readonly objects: readonly WorldObject[]
  readonly speaksFor: ReadonlySet<Companion>
  readonly #byId: ReadonlyMap<string, Tenant>
  readonly #session = new Renewable(() => this.connect())
  /** Never enters a tenant's context, so that its setting stays as a new connection has it. */
  readonly #untouched = new Renewable(() => this.connect())
  #admin: Session
  #gone = false
  readonly #oracle = new Renewable(() => WriteOracle.open(this))
  readonly #superuser = new Renewable(() => {
    const { address, database, statementTimeoutMs } = this.options
    return Session.connect({
      address,
      database,
      hearsAll: true,
      statementTimeoutMs: statementTimeoutMs ?? 10_000,
    })
  })

  readonly #companions: Companions
  readonly #opened = new Map<(world: World) => AsyncDisposable, AsyncDisposable>()

  private constructor(options: WorldOptions, admin: Session, content: Content) {
    this.options = options
    this.speaksFor = new Set(options.speaksFor ?? [])
    this.#companions = new Companions(this, options.companions ?? [])
    this.#admin = admin
    this.#byId = new Map(options.tenants.map((tenant) => [tenant.id, tenant]))
    this.catalog = content.catalog
    this.objects = content.objects
  }

  /** Surveys the database and reads who owns what. @throws WatertightError when it cannot connect. */
  static async open(options: WorldOptions): Promise<World> {
    const admin = await connectAdmin(options)
    try {
      const roleBySchema = rolesOfPlaces(options)
      const catalog = await survey(admin, { application: options.roles.app, roleBySchema })
      const { ownership, homeSchema = null } = options
      const truth = await readGroundTruth(admin, catalog, ownership)
      const objects = worldObjects({ catalog, truth, ownership, homeSchema })
      return new World(options, admin, { catalog, objects })
    } catch (error) {
      await admin[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The superuser's connection; another one after `revive`. */
  get admin(): Session {
    return this.#admin
  }
  get id(): WorldFacts['id'] {
    return this.options.id
  }
  get key(): string {
    return worldKey(this.options.id)
  }
  get origin(): WorldFacts['origin'] {
    return this.options.origin
  }
  get database(): string {
    return this.options.database
  }
  get tenants(): readonly Tenant[] {
    return this.options.tenants
  }
  get context(): WorldFacts['context'] {
    return this.options.context
  }
  get ownership(): WorldFacts['ownership'] {
    return this.options.ownership
  }
  get separatedBy(): WorldFacts['separatedBy'] {
    return this.options.separatedBy
  }
  get capabilities(): WorldFacts['capabilities'] {
    return this.options.capabilities ?? allCapabilities
  }
  get roles(): WorldFacts['roles'] {
    return this.options.roles
  }
  get application(): string {
    return this.options.roles.app
  }
  get administrator(): string {
    return this.options.address.user
  }

  /** Statements that bring the running transaction into the tenant's context. */
  enter(tenant: Tenant): readonly Statement[] {
    return this.context.enter(tenant).map((sql) => ({ sql, role: 'context' as const }))
  }

  tenant(id: string): Tenant {
    const found = this.#byId.get(id)
    if (found === undefined) throw new Error(`no tenant ${JSON.stringify(id)} in this world`)
    return found
  }

  /**
   * True when the server answers, with a new connection where the old one was lost: one backend that crashes
   * ends the connections of all. A server that does not come back within seconds is gone for good.
   */
  async revive(): Promise<boolean> {
    if (this.#admin.lost === null || this.#gone) return !this.#gone
    const admin = await openWithin(revivalMs, () => connectAdmin(this.options))
    if (admin === null) this.#gone = true
    else this.#admin = admin
    return !this.#gone
  }

  /** Runs the statements as the application, in one transaction that is rolled back; never throws. */
  async attempt(statements: readonly Statement[], options: AttemptOptions = {}): Promise<Attempt> {
    try {
      const session = options.freshSession === true ? this.#untouched : this.#session
      return await (await session.get()).attempt(statements)
    } catch (error) {
      return failedAttempt(statements, error)
    }
  }

  /**
   * Runs the statements as the attacker and says what they changed for others, whatever they touched.
   * @throws when no connection can be had.
   */
  async write(
    attacker: Tenant,
    statements: readonly Statement[],
    options: WriteOptions = {},
  ): Promise<Written> {
    return (await this.#oracle.get()).run(attacker, statements, options)
  }

  /** Runs the statements as the superuser, in one transaction that is rolled back; never throws. */
  async administer(statements: readonly Statement[]): Promise<Attempt> {
    try {
      return await (await this.#superuser.get()).attempt(statements)
    } catch (error) {
      return failedAttempt(statements, error)
    }
  }

  /** True when whoever opened the world offers it. */
  offers(companion: Companion): boolean {
    return this.#companions.has(companion)
  }

  /** What stands beside the database, opened when it is first asked. @throws when it cannot be. */
  companion<T extends Losable>(key: CompanionKey<T>): Promise<T> {
    return this.#companions.get(key)
  }

  /** What this function opens, once for the world, with which it ends: searches of many cells share it. */
  once<T extends AsyncDisposable>(open: (world: World) => T): T {
    const opened = (this.#opened.get(open) as T | undefined) ?? open(this)
    this.#opened.set(open, opened)
    return opened
  }

  /** What the admin sees in the system tables; evidence of catalogue probes. */
  async look(sql: string): Promise<Attempt> {
    const statement: Statement = { sql, role: 'proof' }
    return {
      steps: [{ ...statement, observation: await this.admin.observe(statement) }],
      backendPid: this.admin.backendPid,
    }
  }

  /** A session of the application, as a pool would open it. */
  connect(): Promise<Session> {
    const { statementTimeoutMs } = this.options
    return Session.connect({
      ...clientOptionsOf(this),
      hearsAll: true,
      ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
    })
  }

  /** True when the platform grants the application the right that the cell's path needs. */
  expects(cell: { readonly name: string; readonly privilege?: TablePrivilege }): boolean {
    return (
      cell.privilege !== undefined &&
      this.options.expectedPrivileges?.has(`${cell.name}:${cell.privilege}`) === true
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#opened.values()) await opened[Symbol.asyncDispose]()
    await this.#companions[Symbol.asyncDispose]()
    await this.#session[Symbol.asyncDispose]()
    await this.#untouched[Symbol.asyncDispose]()
    await this.#oracle[Symbol.asyncDispose]()
    await this.#superuser[Symbol.asyncDispose]()
    await this.#admin[Symbol.asyncDispose]()
  }
}

interface Content {
  readonly catalog: Catalog
  readonly objects: readonly WorldObject[]
}

function connectAdmin({ address, database }: WorldOptions): Promise<Session> {
  return Session.connect({ address, database, statementTimeoutMs: 60_000 })
}

/** How the application logs in. */
export function clientOptionsOf({ options }: World) {
  const { address, database, roles, passwords } = options
  return { address, database, login: { user: roles.app, password: passwords.app } }
}

/** Without a connection nothing was asked. */
function failedAttempt(statements: readonly Statement[], error: unknown): Attempt {
  const observation = { kind: 'indeterminate', sqlstate: null, message: messageOf(error) } as const
  const first = statements.find((each) => each.role !== 'context') ?? {
    sql: 'connect',
    role: 'attack',
  }
  return { steps: [{ ...first, observation }], backendPid: null }
}
