/** What stands in the way of making or dropping a tenant's schema: things that are not the tenant's. */

import { WatertightError } from '../errors.ts'
import type { Service } from '../model/tenancy.ts'
import { literal } from '../sql/identifier.ts'
import type { Session } from '../postgres/session/session.ts'
import type { MappedTenant } from './migrations/places.ts'
import type { RoleNames } from '../model/roles.ts'

/** A tenant's role before the tenant is made. */
export interface RoleBefore {
  readonly isThere: boolean
  /** The application was a member of it. */
  readonly isLent: boolean
}

/**
 * A role that is there may be another platform's for the same tenant; it is taken over only when it is and may
 * nothing that a new one would not: in another database of the server it may have rights if the application is a
 * member of it already, and own nothing. @throws WatertightError WATERTIGHT_ROLE_EXISTS.
 */
export async function roleBefore(
  session: Session,
  { role }: Pick<MappedTenant, 'role'>,
  { app }: Pick<RoleNames, 'app'>,
): Promise<RoleBefore> {
  const [found] =
    await session.query(`WITH r AS (SELECT *, EXISTS (SELECT FROM pg_catalog.pg_auth_members m
      JOIN pg_catalog.pg_roles o ON o.oid = m.member WHERE m.roleid = r.oid AND o.rolname = ${literal(app)}) AS is_lent
      FROM pg_catalog.pg_roles r WHERE r.rolname = ${literal(role)}),
    held AS (SELECT d.deptype, d.dbid IN (0, (SELECT oid FROM pg_catalog.pg_database
        WHERE datname = current_database())) AS is_here
      FROM pg_catalog.pg_shdepend d, r WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid)
    SELECT r.is_lent, CASE
      WHEN r.rolcanlogin OR r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
        THEN 'has attributes of its own'
      WHEN EXISTS (SELECT FROM pg_catalog.pg_db_role_setting WHERE setrole = r.oid) THEN 'has settings of its own'
      WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members WHERE member = r.oid) THEN 'is a member of other roles'
      WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles o ON o.oid = m.member
        WHERE m.roleid = r.oid AND o.rolname NOT IN (${literal(app)}, current_user)) THEN 'has other members'
      WHEN EXISTS (SELECT FROM held WHERE is_here) THEN 'owns or may use something already'
      WHEN EXISTS (SELECT FROM held WHERE deptype = 'o') THEN 'owns something in another database'
      WHEN EXISTS (SELECT FROM held) AND NOT r.is_lent THEN 'may use something in another database'
    END AS why FROM r`)
  const why = found?.['why'] ?? null
  if (why === null) return { isThere: found !== undefined, isLent: found?.['is_lent'] === 't' }
  throw new WatertightError(
    'WATERTIGHT_ROLE_EXISTS',
    `There is a role ${role} already, and it ${String(why)}`,
    {
      hint: 'Whoever is that role would be the new tenant: look into it, and drop or rename it by hand',
    },
  )
}

/**
 * DROP SCHEMA CASCADE takes what hangs on the schema from elsewhere too: views, foreign keys, partitions, functions
 * with a row of it as an argument, policies, defaults. @throws WatertightError WATERTIGHT_SCHEMA_IN_USE.
 * https://www.postgresql.org/docs/current/catalog-pg-depend.html
 */
export async function refuseDependents(
  session: Session,
  service: Service,
  { schema }: Pick<MappedTenant, 'schema'>,
): Promise<void> {
  const [found] = await session.query(`WITH RECURSIVE going AS (
      SELECT 'pg_catalog.pg_namespace'::regclass::oid AS classid, oid AS objid
        FROM pg_catalog.pg_namespace WHERE nspname = ${literal(schema)}
      UNION SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
        JOIN going g ON d.refclassid = g.classid AND d.refobjid = g.objid)
    SELECT i.type || ' ' || i.identity AS name FROM going g, pg_identify_object(g.classid, g.objid, 0) i,
      pg_identify_object_as_address(g.classid, g.objid, 0) a
    WHERE i.type NOT IN ('schema', 'default acl')
      AND coalesce(i.schema, a.object_names[1]) NOT IN (${literal(schema)}, 'pg_toast') LIMIT 1`)
  if (found === undefined) return
  throw new WatertightError(
    'WATERTIGHT_SCHEMA_IN_USE',
    `The schema ${schema} of ${service} is not dropped: ${String(found['name'])} depends on it`,
    { hint: 'Drop or change what depends on it first' },
  )
}
