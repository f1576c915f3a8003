/** The three roles of the platform and what they are at server level. */

import type { RoleNames, RolePasswords } from '../model/roles.ts'
import { identifier, literal } from '../sql/identifier.ts'

export const standardRoles: RoleNames = {
  owner: 'dotmac_owner',
  app: 'dotmac_app',
  admin: 'dotmac_admin',
}

/** Text of COMMENT ON ROLE by which a role that this tool created is known again. */
export const roleComment = 'created by watertight'

/**
 * Creates the roles, or resets the attributes of those that exist.
 * NOINHERIT: under schema-per-tenant the application is a member of every tenant role, and
 * forgetting SET ROLE must fail instead of reading everybody's rows.
 */
export function createRolesSql(roles: RoleNames, passwords: RolePasswords): string {
  const safe = 'NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION'
  return [
    roleSql(roles.owner, `NOLOGIN ${safe}`),
    roleSql(roles.app, `LOGIN NOINHERIT ${safe} PASSWORD ${literal(passwords.app)}`),
    roleSql(roles.admin, `LOGIN NOINHERIT ${safe} PASSWORD ${literal(passwords.admin)}`),
  ].join('\n')
}

/** CREATE ROLE when it is missing, ALTER ROLE when it is there. */
export function roleSql(name: string, attributes: string): string {
  return `DO $watertight$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${literal(name)}) THEN
    EXECUTE ${literal(`CREATE ROLE ${identifier(name)}`)};
    EXECUTE ${literal(`COMMENT ON ROLE ${identifier(name)} IS ${literal(roleComment)}`)};
  END IF;
END $watertight$;
ALTER ROLE ${identifier(name)} ${attributes};`
}

/** Database privileges are not copied by CREATE DATABASE ... TEMPLATE, so a clone needs them again. */
export function secureDatabaseSql(database: string, roles: RoleNames): string {
  const name = identifier(database)
  return `REVOKE ALL ON DATABASE ${name} FROM PUBLIC;
GRANT CONNECT ON DATABASE ${name} TO ${identifier(roles.app)}, ${identifier(roles.admin)};`
}
