/** The reference platform on a server of its own, its databases seeded: for what may break it or time it. */

import type { Service, TenancyName, WorldId } from '../../model/tenancy.ts'
import { services } from '../../model/tenancy.ts'
import type { Tenant } from '../../model/tenant.ts'
import { openDriverPool, type DriverPool } from '../../postgres/session/driver-pool.ts'
import type { ServerBase } from '../../postgres/server/server.ts'
import type { Session } from '../../postgres/session/session.ts'
import { planSeed } from '../seed/plan.ts'
import { databaseName } from '../site/namespace.ts'
import { openSite, type OpenSite } from '../site/open-site.ts'
import { adminSession, createWorldDatabase } from '../site/provision.ts'

export interface ScratchPlatformOptions {
  /** Default row-level-security. */
  readonly tenancy?: TenancyName
  /** Default both, management first. */
  readonly services?: readonly Service[]
  /** Default 4; the first is acme-corp-123. */
  readonly tenants?: number
  /** Rows of an average tenant in each database, default 40. */
  readonly rows?: number
  /** Version of the server, for example '15.14'; default the installed one. */
  readonly version?: string
  /** A data directory in which all of this is installed already; see EmbeddedServerOptions. */
  readonly base?: ServerBase
}

export class ScratchPlatform implements AsyncDisposable {
  readonly open: OpenSite
  readonly tenancy: TenancyName
  readonly #pools: DriverPool[] = []
  readonly #sessions: Session[] = []

  private constructor(open: OpenSite, tenancy: TenancyName) {
    this.open = open
    this.tenancy = tenancy
  }

  static async start(options: ScratchPlatformOptions = {}): Promise<ScratchPlatform> {
    const plan = planSeed({ seed: 1, tenants: options.tenants ?? 4, rows: options.rows ?? 40 })
    const open = await openSite({
      target: null,
      version: options.version ?? null,
      ...(options.base === undefined ? {} : { base: options.base }),
      plan,
      keep: false,
    })
    const platform = new ScratchPlatform(open, options.tenancy ?? 'row-level-security')
    for (const service of options.services ?? services) {
      open.databases.add(platform.database(service))
      if (options.base === undefined)
        await createWorldDatabase(open.site, open.admin, platform.world(service))
    }
    return platform
  }

  get tenants(): readonly Tenant[] {
    return this.open.site.tenants
  }

  world(service: Service): WorldId {
    return { service, tenancy: this.tenancy, variant: 'hardened' }
  }

  database(service: Service): string {
    return databaseName(this.open.site.namespace, this.world(service))
  }

  /** A pool of the application's (or the reporting role's) login; closed with the platform. */
  pool(service: Service, { max = 4, login = 'app' as 'app' | 'admin' } = {}): DriverPool {
    const { address, namespace, passwords } = this.open.site
    const pool = openDriverPool({
      address,
      database: this.database(service),
      max,
      login: { user: namespace.roles[login], password: passwords[login] },
    })
    this.#pools.push(pool)
    return pool
  }

  /** A superuser's session; closed with the platform. */
  async admin(service: Service): Promise<Session> {
    const session = await adminSession(this.open.site.address, this.database(service))
    this.#sessions.push(session)
    return session
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pool of this.#pools) if (!pool.ended) await pool.end()
    for (const session of this.#sessions) await session[Symbol.asyncDispose]()
    await this.open[Symbol.asyncDispose]()
  }
}
