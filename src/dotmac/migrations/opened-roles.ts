/** What the application and the tenants' roles may become, and who enters the schemas: no guard line is for them. */

import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { Remembering } from './remembered-tables.ts'

const predefined = [
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_execute_server_program',
]

/**
 * One sentence for each way around the policies and the grants: compared before and after a script, the new ones are
 * its own. Of the schemas only those of the place are looked at, of the roles the application's and either those of
 * all tenants or, in one tenant's schema, that tenant's.
 * https://www.postgresql.org/docs/current/role-membership.html
 */
export async function openRoles(
  session: Session,
  { schemas, scope: { roles, onlyTenant } }: Remembering,
): Promise<ReadonlySet<string>> {
  const within =
    onlyTenant === undefined ? [roles.app, 'PUBLIC'] : [roles.app, 'PUBLIC', onlyTenant.role]
  const kept =
    onlyTenant === undefined
      ? [roles.owner, roles.admin]
      : [roles.owner, roles.admin, onlyTenant.role]
  const asked = [roles.app, ...(onlyTenant === undefined ? [] : [onlyTenant.role])]
  const beyond = [roles.owner, roles.admin, ...predefined].map(literal).join(', ')
  const rows = await session.query(`WITH RECURSIVE who AS (
      SELECT r.oid, r.rolname = ${literal(roles.app)} AS is_app, r.rolname FROM pg_catalog.pg_roles r
      WHERE r.rolname IN (${asked.map(literal).join(', ')})
      UNION SELECT m.roleid, false, m.roleid::regrole::text FROM pg_catalog.pg_auth_members m
        WHERE ${onlyTenant === undefined} AND m.member = to_regrole(${literal(identifier(roles.app))})
          AND m.roleid::regrole::text NOT IN (${beyond})),
    becomes AS (
      SELECT oid AS first, oid FROM who
      UNION SELECT b.first, m.roleid FROM becomes b JOIN pg_catalog.pg_auth_members m ON m.member = b.oid)
    SELECT format('%s is %s', w.rolname, concat_ws(', ', CASE WHEN r.rolsuper THEN 'SUPERUSER' END,
        CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
        CASE WHEN r.rolreplication THEN 'REPLICATION' END)) AS way
      FROM who w JOIN pg_catalog.pg_roles r USING (oid)
      WHERE r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication
    UNION SELECT format('%s may become %s', w.rolname, r.rolname)
      FROM becomes b JOIN who w ON w.oid = b.first JOIN pg_catalog.pg_roles r ON r.oid = b.oid
      WHERE r.oid <> w.oid AND (NOT w.is_app OR r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication
        OR r.rolname IN (${beyond}))
    UNION SELECT format('every connection of %s begins with %s', CASE s.setrole WHEN 0 THEN 'the database'
        ELSE s.setrole::regrole::text END, setting)
      FROM pg_catalog.pg_db_role_setting s, unnest(s.setconfig) setting
      WHERE setting ~ '^app\\.current_tenant_id=.' AND (s.setrole = 0 OR s.setrole IN (SELECT oid FROM who))
        AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
    UNION SELECT format('%s has %s on the schema %s', coalesce(g.rolname, 'PUBLIC'), a.privilege_type, n.nspname)
      FROM pg_catalog.pg_namespace n, aclexplode(n.nspacl) a LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantee
      WHERE n.nspname IN (${schemas.map(literal).join(', ')}) AND a.grantee <> n.nspowner
        AND (a.privilege_type = 'CREATE' OR ${onlyTenant !== undefined}
          AND coalesce(g.rolname, 'PUBLIC') NOT IN (${kept.map(literal).join(', ')}))
    UNION SELECT format('%s owns the schema %s', g.rolname, n.nspname)
      FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles g ON g.oid = n.nspowner
      WHERE n.nspname IN (${schemas.map(literal).join(', ')}) AND g.oid IN (SELECT oid FROM who)
    UNION SELECT format('%s will have %s on every table made later', coalesce(g.rolname, 'PUBLIC'), a.privilege_type)
      FROM pg_catalog.pg_default_acl d, aclexplode(d.defaclacl) a LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantee
      WHERE d.defaclobjtype = 'r' AND coalesce(g.rolname, 'PUBLIC') IN (${within.map(literal).join(', ')})
        AND a.grantee <> d.defaclrole`)
  return new Set(rows.map(({ way }) => String(way)))
}
