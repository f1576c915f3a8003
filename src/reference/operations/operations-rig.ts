/** Copies of both databases that are ours alone, for operations that commit; one operation at a time. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onOneServer, type BackupPlatform } from '../../dotmac/backup/backup-platform.ts'
import type { Attempt, Row } from '../../model/observation.ts'
import type { Tenant } from '../../model/tenant.ts'
import type { Service } from '../../model/tenancy.ts'
import { openDriverPool, type DriverPool } from '../../postgres/session/driver-pool.ts'
import { Session } from '../../postgres/session/session.ts'
import { CompanionKey } from '../../world/companion.ts'
import type { World } from '../../world/world.ts'
import { referenceOperations, type Operations, type OperationsBuild } from './operations.ts'

export interface OperationsSite {
  readonly databases: Readonly<Record<Service, string>>
  /** Default: the reference platform's operations. */
  readonly build?: OperationsBuild
}

const statementTimeoutMs = 60_000

/** Copies of both databases, opened when they are first asked. */
export const operationsRig = new CompanionKey<OperationsRig>('operations')

export class OperationsRig implements AsyncDisposable {
  readonly operations: Operations
  readonly platform: BackupPlatform
  /** The superuser in the ISP database. */
  readonly admin: Session
  /** The application's pool there: one connection, as health checks want it. */
  readonly pool: DriverPool
  readonly #app: Session
  readonly #done = new Map<string, Promise<Attempt>>()
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(
    parts: Pick<OperationsRig, 'operations' | 'platform' | 'admin' | 'pool'> & { app: Session },
  ) {
    this.operations = parts.operations
    this.platform = parts.platform
    this.admin = parts.admin
    this.pool = parts.pool
    this.#app = parts.app
  }

  /** @throws WatertightError when the copies cannot be reached. */
  static async open(world: World, { databases, build }: OperationsSite): Promise<OperationsRig> {
    const { address, roles, passwords } = world.options
    const login = { user: roles.app, password: passwords.app }
    const admin = await Session.connect({
      address,
      database: databases.isp,
      pipeline: false,
      statementTimeoutMs,
    })
    try {
      const app = await Session.connect({
        address,
        database: databases.isp,
        login,
        statementTimeoutMs,
      })
      const platform = onOneServer(address, { tenancy: world.id.tenancy, databases })
      const asSuperuser = (service: Service, sql: string) => asAdmin(platform, service, sql)
      return new OperationsRig({
        operations: { ...referenceOperations, ...build?.(referenceOperations, { asSuperuser }) },
        platform,
        admin,
        app,
        pool: openDriverPool({ address, database: databases.isp, login, max: 1 }),
      })
    } catch (error) {
      await admin[Symbol.asyncDispose]()
      throw error
    }
  }

  get lost(): boolean {
    return this.admin.lost !== null || this.#app.lost !== null
  }

  /** Alone, with a directory that is removed afterwards. */
  exclusive<T>(work: (directory: string) => Promise<T>): Promise<T> {
    const mine = this.#turn.then(async () => {
      const directory = await mkdtemp(join(tmpdir(), 'watertight-operations-'))
      try {
        return await work(directory)
      } finally {
        await rm(directory, { recursive: true, force: true })
      }
    })
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  /** Done when it is first asked for; whoever asks again is told what came of it. */
  once(what: string, work: (directory: string) => Promise<Attempt>): Promise<Attempt> {
    const done = this.#done.get(what) ?? this.exclusive(work)
    this.#done.set(what, done)
    return done
  }

  /** What the application reads in the tenant's context, in a transaction that is rolled back. */
  read(world: World, tenant: Tenant, sql: string): Promise<Attempt> {
    return this.#app.attempt([...world.enter(tenant), { sql, role: 'attack' }])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn
    await this.pool.end()
    await this.#app[Symbol.asyncDispose]()
    await this.admin[Symbol.asyncDispose]()
  }
}

/** In a session of its own. @throws the driver's error. */
export function asAdmin(
  platform: BackupPlatform,
  service: Service,
  sql: string,
): Promise<readonly Row[]> {
  return withAdmin(platform, service, (session) => session.query(sql))
}

/** A session of the superuser's, ended after the work. @throws the driver's error. */
export async function withAdmin<T>(
  platform: BackupPlatform,
  service: Service,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  await using session = await Session.connect({
    address: platform.addresses[service],
    database: platform.databases[service],
    statementTimeoutMs,
  })
  return await work(session)
}
