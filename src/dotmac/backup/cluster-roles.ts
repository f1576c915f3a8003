/** Roles that a database's objects belong to or are granted to: the server's, so no dump of a database holds them. */

import { WatertightError } from '../../errors.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import { roleSql } from '../roles.ts'

export interface RoleEntry {
  readonly name: string
  readonly canLogin: boolean
  readonly inherits: boolean
  /** Superuser, BYPASSRLS, or it may make roles, databases or replicas: such a role is never made by a restore. */
  readonly isElevated: boolean
  readonly memberOf: readonly string[]
}

/** Without the predefined roles, which every server has. */
export async function rolesOf(session: Session): Promise<readonly RoleEntry[]> {
  const rows =
    await session.query(`SELECT r.rolname AS name, r.rolcanlogin AS login, r.rolinherit AS inherits,
      r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication AS elevated,
      coalesce((SELECT json_agg(g.rolname ORDER BY g.rolname) FROM pg_auth_members m
        JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid), '[]') AS groups
    FROM pg_roles r WHERE r.rolname !~ '^pg_' AND r.oid IN (
      SELECT d.refobjid FROM pg_shdepend d JOIN pg_database b ON b.datname = current_database()
        WHERE d.refclassid = 'pg_authid'::regclass AND d.dbid = b.oid
      UNION SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname !~ '^(pg_|information_schema$)'
      UNION SELECT nspowner FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$|public$)'
      UNION SELECT p.proowner FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname !~ '^(pg_|information_schema$)') ORDER BY 1`)
  return rows.map((row) => ({
    name: String(row['name']),
    canLogin: row['login'] === 't',
    inherits: row['inherits'] === 't',
    isElevated: row['elevated'] === 't',
    memberOf: JSON.parse(String(row['groups'])) as string[],
  }))
}

export function isRoleEntry(value: unknown): value is RoleEntry {
  if (typeof value !== 'object' || value === null) return false
  const { name, canLogin, inherits, isElevated, memberOf } = value as Readonly<
    Record<string, unknown>
  >
  return (
    typeof name === 'string' &&
    typeof canLogin === 'boolean' &&
    typeof inherits === 'boolean' &&
    typeof isElevated === 'boolean' &&
    Array.isArray(memberOf) &&
    memberOf.every((each) => typeof each === 'string')
  )
}

/**
 * Roles that the server lacks are an error, or with `create` made: without a password, without any attribute but
 * LOGIN and INHERIT, and members of one another only, because the list comes from a file.
 * @throws WatertightError WATERTIGHT_ROLES_MISSING, before anything is changed.
 */
export async function requireRoles(
  session: Session,
  roles: readonly RoleEntry[],
  { create = false }: { readonly create?: boolean },
): Promise<void> {
  if (roles.length === 0) return
  const there = new Set(
    (
      await session.query(`SELECT rolname FROM pg_roles WHERE rolname IN (
    ${roles.map(({ name }) => literal(name)).join(', ')})`)
    ).map(({ rolname }) => String(rolname)),
  )
  const missing = roles.filter(({ name }) => !there.has(name))
  const refused = create
    ? missing.filter(({ isElevated, name }) => isElevated || name.startsWith('pg_'))
    : missing
  if (refused.length > 0) {
    const names = refused.map(({ name }) => JSON.stringify(name)).join(', ')
    throw new WatertightError(
      'WATERTIGHT_ROLES_MISSING',
      create
        ? `The server lacks the roles ${names}, whose rights no restore may give`
        : `The server lacks the roles ${names}, to which what is in the backup belongs or is granted`,
      {
        hint: create
          ? 'Nothing was changed; create them by hand, with the rights that they are to have'
          : 'Nothing was changed; create them, or give --create (createRoles): those that log in get no password',
      },
    )
  }
  if (missing.length === 0) return
  const made = new Set(missing.map(({ name }) => name))
  const known = new Set(roles.filter(({ isElevated }) => !isElevated).map(({ name }) => name))
  await session.query(
    [
      'BEGIN',
      ...missing.map(({ name, canLogin, inherits }) =>
        roleSql(
          name,
          `${canLogin ? '' : 'NO'}LOGIN ${inherits ? '' : 'NO'}INHERIT NOSUPERUSER NOBYPASSRLS ` +
            'NOCREATEDB NOCREATEROLE NOREPLICATION',
        ),
      ),
      ...roles.flatMap(({ name, memberOf, isElevated }) =>
        memberOf
          .filter((group) => !isElevated && known.has(group) && (made.has(name) || made.has(group)))
          .map((group) => `GRANT ${identifier(group)} TO ${identifier(name)}`),
      ),
      'COMMIT',
    ].join(';\n'),
  )
}
