/** SchemaPerTenantManager of the seed: a tenant's schemas and role in both databases, made whole or not at all. */

import { messageOf, sqlstateOf, WatertightError } from '../errors.ts'
import { services, type Service } from '../model/tenancy.ts'
import { identifier, literal } from '../postgres/identifier.ts'
import type { Session } from '../postgres/session.ts'
import { tenantPlace, type MappedTenant } from './migrations/places.ts'
import { locked } from './migrations/lock.ts'
import { upgrade } from './migrations/upgrade.ts'
import { versionsSchema } from './migrations/remembered-tables.ts'
import { driftOf, tenantVersions, type Drift, type TenantVersion } from './migrations/drift.ts'
import { mappedTenants } from './migrations/migrate.ts'
import type { RoleNames } from './roles.ts'
import { refuseDependents, refuseForeignRole } from './tenant-schema-refusals.ts'
import { controlSchema } from './schema-manager.ts'
import { assertDisplayName, tenantNames } from './tenant-names.ts'

export interface SchemaManagerOptions {
  /** Sessions of a role that may create schemas and roles, not pipelined; both platforms are migrated. */
  readonly sessions: Readonly<Record<Service, Session>>
  readonly roles: RoleNames
  /** Folder with <service>/migrations; default the platform's own. */
  readonly directory?: string
  /** ENABLE_AUDIT_TRIGGERS. Default true. */
  readonly auditTriggers?: boolean
}

export interface NewTenant {
  readonly id: string
  /** Display name; default the id. It may change, the schema does not. */
  readonly name?: string
}

const tenancy = 'schema-per-tenant'

export class SchemaPerTenantManager {
  readonly #options: SchemaManagerOptions
  /** Both sessions hold one transaction at a time, so calls wait for each other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: SchemaManagerOptions) {
    this.#options = options
  }

  /**
   * `acme-corp-123` gets the schema tenant_acme_corp_123 and the role tenant_acme_corp_123_role in both databases,
   * at the newest version, and its line in the tenants table, by which everything else finds them.
   * Waits up to 30 s for migrations and other managers.
   * @throws WatertightError WATERTIGHT_TENANT_NAME, WATERTIGHT_TENANT_EXISTS, WATERTIGHT_SCHEMA_EXISTS (the schema may
   *   hold an earlier customer's rows), WATERTIGHT_ROLE_EXISTS (a role of that name is or may more than a tenant's),
   *   WATERTIGHT_MIGRATION_LOCKED; then nothing is left of the attempt.
   */
  async createTenantSchema({ id, name = id }: NewTenant): Promise<MappedTenant> {
    const mapped: MappedTenant = { id, ...tenantNames(id) }
    assertDisplayName(name)
    return await this.#alone(async () => await this.#create(mapped, name))
  }

  async #create(mapped: MappedTenant, name: string): Promise<MappedTenant> {
    const { id } = mapped
    await this.#register(mapped, name)
    const made: Service[] = []
    try {
      for (const service of services) {
        await this.#refuseExisting(service, mapped)
        await refuseForeignRole(this.#options.sessions[service], mapped, this.#options.roles)
      }
      for (const service of services) {
        made.push(service)
        await this.#closeDatabase(service)
        await this.#migrate(service, mapped)
      }
      await this.#query('isp', `INSERT INTO ${controlSchema}.isp_tenants (tenant_id, name, status)
        VALUES (${[id, name, 'active'].map(literal).join(', ')}) ON CONFLICT (tenant_id) DO NOTHING`)
      await this.#query('management', `UPDATE ${controlSchema}.tenants SET status = 'active'
        WHERE tenant_id = ${literal(id)}`)
      return mapped
    } catch (error) {
      await this.#remove(mapped, made)
      throw error
    }
  }

  /**
   * Drops the tenant's rows, schemas, versions and role for good. `confirm` must repeat the id.
   * @throws WatertightError WATERTIGHT_NOT_CONFIRMED, WATERTIGHT_NO_TENANT, WATERTIGHT_SCHEMA_IN_USE when something
   *   outside of the schema depends on it: that would go with it; WATERTIGHT_MIGRATION_LOCKED.
   */
  async dropTenantSchema(id: string, { confirm }: { readonly confirm?: string } = {}): Promise<void> {
    if (confirm !== id) {
      throw new WatertightError('WATERTIGHT_NOT_CONFIRMED',
        `The schemas of tenant ${JSON.stringify(id)} are not dropped: the confirmation says ` +
        JSON.stringify(confirm ?? null),
        { hint: 'Repeat the tenant\'s id as the confirmation' })
    }
    await this.#alone(async () => {
      const mapped = await this.mappingOf(id)
      for (const service of services) await refuseDependents(this.#options.sessions[service], service, mapped)
      await this.#remove(mapped, services)
    })
  }

  /**
   * Makes what is missing of a tenant's schemas (lost, or dropped with the tenant) at the newest version and empty, so
   * that a backup can be restored into them; schemas that are there are left alone.
   * @throws WatertightError as createTenantSchema does; then nothing is left of the attempt.
   */
  async recreateTenantSchema(id: string): Promise<MappedTenant> {
    const names = tenantNames(id)
    return await this.#alone(async () => {
      const known = (await this.#tenants()).find((each) => each.id === id)
      if (known === undefined) return await this.#create({ id, ...names }, id)
      const made: Service[] = []
      try {
        for (const service of services) {
          if (await this.#isThere(service, known)) continue
          made.push(service)
          await this.#query(service, `DROP TABLE IF EXISTS ${versionsSchema}.${identifier(known.schema)}`)
          await this.#closeDatabase(service)
          await this.#migrate(service, known)
        }
        return known
      } catch (error) {
        for (const service of made) await this.#dropSchema(service, known)
        throw error
      }
    })
  }

  /** Changes the display name; id, schema and role stay, so that nothing has to move. */
  async renameTenant(id: string, name: string): Promise<void> {
    assertDisplayName(name)
    await this.mappingOf(id)
    const set = `SET name = ${literal(name)} WHERE tenant_id = ${literal(id)}`
    await this.#query('management', `UPDATE ${controlSchema}.tenants ${set}`)
    await this.#query('isp', `UPDATE ${controlSchema}.isp_tenants ${set}`)
  }

  /** Where the tenant's rows are, as the tenants table says. @throws WatertightError WATERTIGHT_NO_TENANT. */
  async mappingOf(id: string): Promise<MappedTenant> {
    const found = (await this.#tenants()).find((each) => each.id === id)
    if (found !== undefined) return found
    throw new WatertightError('WATERTIGHT_NO_TENANT', `There is no tenant ${JSON.stringify(id)}`, {
      hint: 'Tenants are the lines of dotmac_control.tenants in the management database',
    })
  }

  /** Version and shape of every tenant's schema in both databases, and who differs. */
  async versions(): Promise<{ readonly all: readonly TenantVersion[]; readonly drift: readonly Drift[] }> {
    const tenants = await this.#tenants()
    const lists: (readonly TenantVersion[])[] = []
    for (const service of services) lists.push(await tenantVersions(this.#options.sessions[service], service, tenants))
    return { all: lists.flat(), drift: lists.flatMap((list) => driftOf(list)) }
  }

  /** One change at a time, in both databases: two at once would meet at the rights on shared tables. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const { management, isp } = this.#options.sessions
    const turn = this.#last.then(() => locked(management, {}, () => locked(isp, {}, work)))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  #tenants(): Promise<readonly MappedTenant[]> {
    return mappedTenants(this.#options.sessions.management, tenancy)
  }

  async #query(service: Service, sql: string): Promise<void> {
    await this.#options.sessions[service].query(sql)
  }

  async #register({ id, schema, role }: MappedTenant, name: string): Promise<void> {
    const values = [id, name, 'provisioning', 'starter', schema, role, '{}'].map(literal).join(', ')
    const rows = await this.#options.sessions.management.query(`INSERT INTO ${controlSchema}.tenants
      (tenant_id, name, status, plan, schema_name, role_name, settings)
      SELECT ${values} WHERE NOT EXISTS (SELECT FROM ${controlSchema}.tenants WHERE schema_name = ${literal(schema)})
      ON CONFLICT (tenant_id) DO NOTHING RETURNING 1 AS registered`)
    if (rows.length === 1) return
    throw new WatertightError('WATERTIGHT_TENANT_EXISTS', `There is a tenant ${JSON.stringify(id)} already`, {
      hint: 'Upgrade it with watertight dotmac migrate, or drop it first',
    })
  }

  async #isThere(service: Service, { schema }: MappedTenant): Promise<boolean> {
    const rows = await this.#options.sessions[service].query(
      `SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ${literal(schema)}`)
    return rows.length > 0
  }

  async #refuseExisting(service: Service, tenant: MappedTenant): Promise<void> {
    if (!await this.#isThere(service, tenant)) return
    throw new WatertightError('WATERTIGHT_SCHEMA_EXISTS',
      `The schema ${tenant.schema} is there already in ${service}`,
      { hint: 'It may hold the rows of an earlier customer: look into it, and drop or rename it by hand' })
  }

  /** A database that somebody made by hand lets everybody make temporary tables: they outlive a pooled request. */
  async #closeDatabase(service: Service): Promise<void> {
    await this.#query(service, `DO $$ BEGIN
      EXECUTE format('REVOKE TEMPORARY, CREATE ON DATABASE %I FROM PUBLIC', current_database()); END $$`)
  }

  async #migrate(service: Service, mapped: MappedTenant): Promise<void> {
    const { sessions, roles, directory } = this.#options
    const session = sessions[service]
    const [row] = await session.query("SELECT current_setting('server_version_num') AS num")
    const place = tenantPlace(mapped, { service, roles, ...(directory === undefined ? {} : { directory }) })
    const { auditTriggers = true } = this.#options
    await upgrade(session, place, { serverVersionNum: Number(row?.['num']), auditTriggers })
  }

  async #dropSchema(service: Service, { schema }: MappedTenant): Promise<void> {
    await this.#query(service, `BEGIN; DROP SCHEMA IF EXISTS ${identifier(schema)} CASCADE;
      DROP TABLE IF EXISTS ${versionsSchema}.${identifier(schema)}; COMMIT`)
  }

  async #remove(tenant: MappedTenant, made: readonly Service[]): Promise<void> {
    const { id, role } = tenant
    for (const service of made) await this.#dropSchema(service, tenant)
    await this.#query('isp', `DELETE FROM ${controlSchema}.isp_tenants WHERE tenant_id = ${literal(id)}`)
    for (const service of made) await this.#releaseRole(service, role)
    if (made.length > 0) await this.#dropRole(role)
    await this.#query('management', `DELETE FROM ${controlSchema}.tenants WHERE tenant_id = ${literal(id)}`)
  }

  /** Grants on shared objects would keep the role. */
  async #releaseRole(service: Service, role: string): Promise<void> {
    const [there] = await this.#options.sessions[service].query(
      `SELECT 1 AS there FROM pg_catalog.pg_roles WHERE rolname = ${literal(role)}`)
    if (there !== undefined) await this.#query(service, `DROP OWNED BY ${identifier(role)}`)
  }

  async #dropRole(role: string): Promise<void> {
    await this.#query('management', `DROP ROLE IF EXISTS ${identifier(role)}`).catch((error: unknown) => {
      // Another database of the server uses the same role: it is not ours alone.
      if (sqlstateOf(error) !== '2BP01') throw new WatertightError('WATERTIGHT_ROLE_STAYS',
        `The role ${role} could not be dropped: ${messageOf(error)}`, { hint: 'Drop it by hand', cause: error })
    })
  }
}
