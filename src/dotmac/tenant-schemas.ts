/** SchemaPerTenantManager of the seed: a tenant's schemas and role in both databases, made whole or not at all. */

import { messageOf, WatertightError } from '../errors.ts'
import { services, type Service } from '../model/tenancy.ts'
import { identifier, literal } from '../sql/identifier.ts'
import type { MappedTenant } from './migrations/places.ts'
import { locked } from './migrations/lock.ts'
import { versionsSchema } from './migrations/remembered-tables.ts'
import { driftOf, tenantVersions, type Drift, type TenantVersion } from './migrations/drift.ts'
import { mappedTenants } from './migrations/migrate.ts'
import { changeBoth, halfChanged, unchanged } from './both-databases.ts'
import { roleBefore, refuseDependents, type RoleBefore } from './tenant-schema-refusals.ts'
import {
  dropSchemaSql,
  dropTenantRole,
  makeTenantParts,
  releaseRole,
  type PartsOptions,
} from './tenant-parts.ts'
import { controlSchema } from './schema-manager.ts'
import { assertDisplayName, tenantNames } from './tenant-names.ts'

/** The sessions are of a role that may create schemas and roles; both platforms are migrated. */
export type SchemaManagerOptions = PartsOptions

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
   *   WATERTIGHT_MIGRATION_LOCKED, WATERTIGHT_MIGRATION_FAILED; then nothing is left of the attempt. If it cannot be
   *   taken away (a connection was lost) WATERTIGHT_TENANT_HALF_CHANGED: the tenant is listed as `provisioning`, and
   *   recreateTenantSchema ends it, dropTenantSchema takes it away.
   */
  async createTenantSchema(tenant: NewTenant): Promise<MappedTenant> {
    // Callers without types hand over anything.
    const { id, name = id } = (tenant as NewTenant | null | undefined) ?? ({} as NewTenant)
    const mapped: MappedTenant = { id, ...tenantNames(id) }
    assertDisplayName(name)
    return await this.#alone(`Tenant ${JSON.stringify(id)} is not made`, () =>
      this.#create(mapped, name),
    )
  }

  async #create(mapped: MappedTenant, name: string): Promise<MappedTenant> {
    await this.#register(mapped, name)
    const made: Service[] = []
    let role: RoleBefore | null = null
    try {
      for (const service of services) {
        await this.#refuseExisting(service, mapped)
        role = await roleBefore(this.#options.sessions[service], mapped, this.#options.roles)
      }
      for (const service of services) {
        made.push(service)
        await makeTenantParts(this.#options, service, mapped)
      }
      await this.#serve(mapped)
      return mapped
    } catch (error) {
      await this.#takeBack(mapped, { made, role }, error)
      throw error
    }
  }

  /**
   * Drops the tenant's rows, schemas, versions and role for good, in both databases or in neither. `confirm` must
   * repeat the id.
   * @throws WatertightError WATERTIGHT_NOT_CONFIRMED, WATERTIGHT_NO_TENANT, WATERTIGHT_SCHEMA_IN_USE when something
   *   outside of the schema depends on it: that would go with it; WATERTIGHT_MIGRATION_LOCKED;
   *   WATERTIGHT_TENANT_UNCHANGED when its tables are in use for longer than the sessions' lock_timeout.
   */
  async dropTenantSchema(
    id: string,
    { confirm }: { readonly confirm?: string } = {},
  ): Promise<void> {
    if (confirm !== id) {
      throw new WatertightError(
        'WATERTIGHT_NOT_CONFIRMED',
        `The schemas of tenant ${JSON.stringify(id)} are not dropped: the confirmation says ` +
          JSON.stringify(confirm ?? null),
        { hint: "Repeat the tenant's id as the confirmation" },
      )
    }
    await this.#alone(notDropped(id), async () => {
      const mapped = await this.#mapping(id)
      for (const service of services)
        await refuseDependents(this.#options.sessions[service], service, mapped)
      await this.#remove(mapped, { made: services, role: null })
    })
  }

  /**
   * Makes what is missing of a tenant (lost, dropped with it, or never made because its creation was cut off) at the
   * newest version and empty, so that a backup can be restored into it; schemas that are there are left alone.
   * @throws WatertightError as createTenantSchema does; then nothing is left of the attempt.
   */
  async recreateTenantSchema(id: string): Promise<MappedTenant> {
    const names = tenantNames(id)
    const failure = `The schemas of tenant ${JSON.stringify(id)} are not made again`
    return await this.#alone(failure, async () => {
      const known = (await this.#tenants()).find((each) => each.id === id)
      if (known === undefined) return await this.#create({ id, ...names }, id)
      const isHalfMade = (await this.#statusOf(id)) === 'provisioning'
      const made: Service[] = []
      try {
        for (const service of services) {
          const isThere = await this.#isThere(service, known)
          if (isThere && !isHalfMade) continue
          if (!isThere) {
            made.push(service)
            await this.#query(
              service,
              `DROP TABLE IF EXISTS ${versionsSchema}.${identifier(known.schema)}`,
            )
          }
          await makeTenantParts(this.#options, service, known)
        }
        await this.#serve(known)
        return known
      } catch (error) {
        await changeBoth(this.#options.sessions, {
          failure,
          change: async () => {
            for (const service of made) await this.#query(service, dropSchemaSql(known))
          },
        }).catch((second: unknown) => {
          throw halfChanged(failure, both(error, second))
        })
        throw error
      }
    })
  }

  /**
   * Changes the display name in both databases or in neither; id, schema and role stay, so that nothing has to move.
   * @throws WatertightError WATERTIGHT_TENANT_NAME, WATERTIGHT_NO_TENANT, WATERTIGHT_MIGRATION_LOCKED,
   *   WATERTIGHT_TENANT_UNCHANGED.
   */
  async renameTenant(id: string, name: string): Promise<void> {
    assertDisplayName(name)
    const failure = `Tenant ${JSON.stringify(id)} is not renamed`
    await this.#alone(failure, async () => {
      await this.#mapping(id)
      const set = `SET name = ${literal(name)} WHERE tenant_id = ${literal(id)}`
      await changeBoth(this.#options.sessions, {
        failure,
        change: async () => {
          await this.#query('management', `UPDATE ${controlSchema}.tenants ${set}`)
          await this.#query('isp', `UPDATE ${controlSchema}.isp_tenants ${set}`)
        },
      })
    })
  }

  /** Where the tenant's rows are, as the tenants table says. @throws WatertightError WATERTIGHT_NO_TENANT. */
  async mappingOf(id: string): Promise<MappedTenant> {
    return await this.#inTurn(() => this.#mapping(id))
  }

  async #mapping(id: string): Promise<MappedTenant> {
    const found = (await this.#tenants()).find((each) => each.id === id)
    if (found !== undefined) return found
    throw new WatertightError('WATERTIGHT_NO_TENANT', `There is no tenant ${JSON.stringify(id)}`, {
      hint: 'Tenants are the lines of dotmac_control.tenants in the management database',
    })
  }

  /** Version and shape of every tenant's schema in both databases, and who differs. */
  async versions(): Promise<{
    readonly all: readonly TenantVersion[]
    readonly drift: readonly Drift[]
  }> {
    return await this.#inTurn(async () => {
      const tenants = await this.#tenants()
      const lists: (readonly TenantVersion[])[] = []
      for (const service of services) {
        lists.push(await tenantVersions(this.#options.sessions[service], service, tenants))
      }
      return { all: lists.flat(), drift: lists.flatMap((list) => driftOf(list)) }
    })
  }

  /** One change at a time, in both databases: two at once would meet at the rights on shared tables. */
  async #alone<T>(failure: string, work: () => Promise<T>): Promise<T> {
    const { management, isp } = this.#options.sessions
    try {
      return await this.#inTurn(() => locked(management, {}, () => locked(isp, {}, work)))
    } catch (error) {
      throw unchanged(failure, error)
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
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
    throw new WatertightError(
      'WATERTIGHT_TENANT_EXISTS',
      `There is a tenant ${JSON.stringify(id)} already`,
      { hint: 'Upgrade it with watertight dotmac migrate, or drop it first' },
    )
  }

  async #statusOf(id: string): Promise<unknown> {
    const [row] = await this.#options.sessions.management.query(
      `SELECT status FROM ${controlSchema}.tenants WHERE tenant_id = ${literal(id)}`,
    )
    return row?.['status']
  }

  /** The tenant is listed in the ISP database too; one that was being made is active from then on. */
  async #serve({ id }: MappedTenant): Promise<void> {
    const [tenant] = await this.#options.sessions.management.query(`SELECT name,
      CASE status WHEN 'provisioning' THEN 'active' ELSE status END AS status
      FROM ${controlSchema}.tenants WHERE tenant_id = ${literal(id)}`)
    const [name, status] = [literal(String(tenant?.['name'])), literal(String(tenant?.['status']))]
    await this.#query(
      'isp',
      `INSERT INTO ${controlSchema}.isp_tenants (tenant_id, name, status)
      VALUES (${literal(id)}, ${name}, ${status}) ON CONFLICT (tenant_id)
      DO UPDATE SET status = excluded.status WHERE isp_tenants.status = 'provisioning'`,
    )
    await this.#query(
      'management',
      `UPDATE ${controlSchema}.tenants SET status = ${status}
      WHERE tenant_id = ${literal(id)} AND status <> ${status}`,
    )
  }

  async #isThere(service: Service, { schema }: MappedTenant): Promise<boolean> {
    const rows = await this.#options.sessions[service].query(
      `SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ${literal(schema)}`,
    )
    return rows.length > 0
  }

  async #refuseExisting(service: Service, tenant: MappedTenant): Promise<void> {
    if (!(await this.#isThere(service, tenant))) return
    throw new WatertightError(
      'WATERTIGHT_SCHEMA_EXISTS',
      `The schema ${tenant.schema} is there already in ${service}`,
      {
        hint: 'It may hold the rows of an earlier customer: look into it, and drop or rename it by hand',
      },
    )
  }

  /** After a failure: what was made goes again; what cannot be reached stays listed as provisioning. */
  async #takeBack(tenant: MappedTenant, attempt: Attempted, error: unknown): Promise<void> {
    try {
      await this.#remove(tenant, attempt)
    } catch (second) {
      throw halfChanged(`Tenant ${JSON.stringify(tenant.id)} is half made`, both(error, second))
    }
  }

  /** In both databases or in neither. A schema that this attempt did not make is somebody's. */
  async #remove(tenant: MappedTenant, { made, role: before }: Attempted): Promise<void> {
    const { sessions, roles } = this.#options
    const id = literal(tenant.id)
    await changeBoth(sessions, {
      failure: notDropped(tenant.id),
      change: async () => {
        for (const service of made) await this.#query(service, dropSchemaSql(tenant))
        await this.#query('isp', `DELETE FROM ${controlSchema}.isp_tenants WHERE tenant_id = ${id}`)
        await this.#query(
          'management',
          `DELETE FROM ${controlSchema}.tenants WHERE tenant_id = ${id}`,
        )
        if (made.length > 0) await releaseRole(sessions.isp, tenant.role)
      },
      // Both would meet at the rights on what all databases share.
      finish: async () => {
        if (made.length === 0) return
        await releaseRole(sessions.management, tenant.role)
        await dropTenantRole(sessions.management, tenant.role, { app: roles.app, before })
      },
    })
  }
}

interface Attempted {
  /** Databases whose schema of the tenant goes. */
  readonly made: readonly Service[]
  /** The role before the attempt; null when it goes whatever it was. */
  readonly role: RoleBefore | null
}

function notDropped(id: string): string {
  return `Tenant ${JSON.stringify(id)} is not dropped`
}

function both(first: unknown, second: unknown): AggregateError {
  return new AggregateError(
    [first, second],
    `${messageOf(first)}; and it could not be taken back: ${messageOf(second)}`,
  )
}
