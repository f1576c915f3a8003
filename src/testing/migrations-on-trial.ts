/** Two empty databases on a server of their own, for the tests of migrations. */

import { identifier, literal } from '../sql/identifier.ts'
import type { ServerAddress } from '../postgres/session/server-address.ts'
import { Session } from '../postgres/session/session.ts'
import { startEmbeddedServer } from '../postgres/server/server.ts'
import type { Server } from '../postgres/session/server-address.ts'
import type { TenancyName } from '../model/tenancy.ts'
import { createRolesSql, standardRoles } from '../dotmac/roles.ts'
import { controlSchema } from '../dotmac/schema-manager.ts'
import { tenantNames } from '../dotmac/tenant-names.ts'
import { installedBase } from './installed-base.ts'
import { migrate, type Migrated, type MigrateOptions } from '../dotmac/migrations/migrate.ts'

export interface MigrationsTrialOptions {
  /** Of the server, for example '15.14'; default the installed one. */
  readonly version?: string
  /** The tenancy whose migrations were applied before; default none. */
  readonly migrated?: TenancyName
}

export class MigrationsOnTrial implements AsyncDisposable {
  readonly server: Server
  readonly management: Session
  readonly isp: Session

  private constructor(
    server: Server,
    sessions: { readonly management: Session; readonly isp: Session },
  ) {
    this.server = server
    this.management = sessions.management
    this.isp = sessions.isp
  }

  /** Each has its own server; what is the same in all of them was installed once. */
  static async start(options: MigrationsTrialOptions = {}): Promise<MigrationsOnTrial> {
    const base = await installedBase(`migrations ${JSON.stringify(options)}`, async () => {
      const trial = await MigrationsOnTrial.#install(options)
      return { server: trial.server, end: () => trial[Symbol.asyncDispose]() }
    })
    if (base === null) return await MigrationsOnTrial.#install(options)
    return await MigrationsOnTrial.#on(await startEmbeddedServer({ ...versionOf(options), base }))
  }

  static async #install(options: MigrationsTrialOptions): Promise<MigrationsOnTrial> {
    const server = await startEmbeddedServer(versionOf(options))
    await using admin = await connect(server.address, 'postgres')
    await admin.query(createRolesSql(standardRoles, { app: 'app', admin: 'admin' }))
    for (const name of ['dotmac_management', 'dotmac_isp'])
      await admin.query(`CREATE DATABASE ${identifier(name)}`)
    const trial = await MigrationsOnTrial.#on(server)
    if (options.migrated !== undefined) await trial.migrate(options.migrated)
    return trial
  }

  static async #on(server: Server): Promise<MigrationsOnTrial> {
    return new MigrationsOnTrial(server, {
      management: await connect(server.address, 'dotmac_management'),
      isp: await connect(server.address, 'dotmac_isp'),
    })
  }

  migrate(tenancy: TenancyName, options: Partial<MigrateOptions> = {}): Promise<Migrated> {
    const sessions = { management: this.management, isp: this.isp }
    return migrate({ tenancy, roles: standardRoles, sessions, ...options })
  }

  /** A tenant in the management database, as an operator registers one; its schemas come with the next run. */
  async register(id: string, tenancy: TenancyName): Promise<void> {
    const { schema, role } = tenantNames(id)
    const table = tenancy === 'row-level-security' ? 'public.tenants' : `${controlSchema}.tenants`
    await this.management
      .query(`INSERT INTO ${table} (tenant_id, name, status, plan, schema_name, role_name, settings)
      VALUES (${[id, id, 'active', 'starter', schema, role, '{}'].map(literal).join(', ')})`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.management[Symbol.asyncDispose]()
    await this.isp[Symbol.asyncDispose]()
    await this.server.stop()
  }
}

function versionOf({ version }: MigrationsTrialOptions): { readonly version?: string } {
  return version === undefined ? {} : { version }
}

function connect(address: ServerAddress, database: string): Promise<Session> {
  return Session.connect({
    address,
    database,
    pipeline: false,
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 30_000,
  })
}
