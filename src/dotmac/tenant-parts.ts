/** What a tenant of schema-per-tenant is made of: its schema, its versions, its role and what that may. */

import { sqlstateOf } from '../errors.ts'
import type { Service } from '../model/tenancy.ts'
import { identifier, literal } from '../sql/identifier.ts'
import type { Session } from '../postgres/session/session.ts'
import { tenantPlace, type MappedTenant } from './migrations/places.ts'
import { versionsSchema } from './migrations/remembered-tables.ts'
import { upgrade } from './migrations/upgrade.ts'
import type { RoleNames } from '../model/roles.ts'
import type { RoleBefore } from './tenant-schema-refusals.ts'

export interface PartsOptions {
  /** Not pipelined. */
  readonly sessions: Readonly<Record<Service, Session>>
  readonly roles: RoleNames
  /** Folder with <service>/migrations; default the platform's own. */
  readonly directory?: string
  /** ENABLE_AUDIT_TRIGGERS. Default true. */
  readonly auditTriggers?: boolean
}

/** The tenant's schema in one database, at the newest version. */
export async function makeTenantParts(
  options: PartsOptions,
  service: Service,
  tenant: MappedTenant,
): Promise<void> {
  const { sessions, roles, directory, auditTriggers = true } = options
  const session = sessions[service]
  // A database that somebody made by hand lets everybody make temporary tables: they outlive a pooled request.
  await session.query(`DO $$ BEGIN
    EXECUTE format('REVOKE TEMPORARY, CREATE ON DATABASE %I FROM PUBLIC', current_database()); END $$`)
  const [row] = await session.query("SELECT current_setting('server_version_num') AS num")
  const place = tenantPlace(tenant, {
    service,
    roles,
    ...(directory === undefined ? {} : { directory }),
  })
  await upgrade(session, place, { serverVersionNum: Number(row?.['num']), auditTriggers })
}

export function dropSchemaSql({ schema }: { readonly schema: string }): string {
  return `DROP SCHEMA IF EXISTS ${identifier(schema)} CASCADE;
    DROP TABLE IF EXISTS ${versionsSchema}.${identifier(schema)}`
}

/** Grants on shared objects would keep the role. */
export async function releaseRole(session: Session, role: string): Promise<void> {
  if (await isThere(session, role)) await session.query(`DROP OWNED BY ${identifier(role)}`)
}

/**
 * Within a transaction. A role that was there before the attempt stays as it was. One that has rights in a database
 * that is none of the platform's stays too (2BP01): it serves the tenant of the same name of another platform on the
 * server. One that owns something there is nobody's tenant, and the application is no member of it any longer.
 */
export async function dropTenantRole(
  session: Session,
  role: string,
  { app, before }: { readonly app: string; readonly before: RoleBefore | null },
): Promise<void> {
  if (!(await isThere(session, role))) return
  const revoke = `REVOKE ${identifier(role)} FROM ${identifier(app)}`
  if (before?.isThere === true) {
    if (!before.isLent) await session.query(revoke)
    return
  }
  await session.query('SAVEPOINT role')
  try {
    await session.query(`DROP ROLE ${identifier(role)}`)
  } catch (error) {
    if (sqlstateOf(error) !== '2BP01') throw error
    await session.query('ROLLBACK TO SAVEPOINT role')
    const owned = await session.query(`SELECT 1 FROM pg_catalog.pg_shdepend
      WHERE refclassid = 'pg_authid'::regclass AND refobjid = ${literal(identifier(role))}::regrole AND deptype = 'o'`)
    if (owned.length > 0) await session.query(revoke)
  }
}

async function isThere(session: Session, role: string): Promise<boolean> {
  const found = await session.query(
    `SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = ${literal(role)}`,
  )
  return found.length > 0
}
