/** Two empty databases on a server of their own, for the tests of migrations. */

import { identifier } from '../sql/identifier.ts'
import type { ServerAddress } from '../postgres/session/server-address.ts'
import { Session } from '../postgres/session/session.ts'
import { startEmbeddedServer } from '../postgres/server/server.ts'
import type { Server } from '../postgres/session/server-address.ts'
import type { TenancyName } from '../model/tenancy.ts'
import { createRolesSql, standardRoles } from '../dotmac/roles.ts'
import { controlSchema } from '../dotmac/schema-manager.ts'
import { tenantNames } from '../dotmac/tenant-names.ts'
import { literal } from '../sql/identifier.ts'
import { migrate, type Migrated, type MigrateOptions } from '../dotmac/migrations/migrate.ts'

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

  /** `version` of the server, for example '15.14'; default the installed one. */
  static async start({ version }: { readonly version?: string } = {}): Promise<MigrationsOnTrial> {
    const server = await startEmbeddedServer(version === undefined ? {} : { version })
    const admin = await connect(server.address, 'postgres')
    await admin.query(createRolesSql(standardRoles, { app: 'app', admin: 'admin' }))
    for (const name of ['dotmac_management', 'dotmac_isp'])
      await admin.query(`CREATE DATABASE ${identifier(name)}`)
    await admin[Symbol.asyncDispose]()
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

function connect(address: ServerAddress, database: string): Promise<Session> {
  return Session.connect({
    address,
    database,
    pipeline: false,
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 30_000,
  })
}
