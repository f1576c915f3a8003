/**
 * Roles belong to the server, not to the clone that a mutant changes: what a mutant does to them is
 * undone before the next one runs.
 */

import { identifier, literal } from '../postgres/identifier.ts'
import type { Session } from '../postgres/session.ts'

interface RoleState {
  readonly name: string
  readonly attributes: string
  readonly settings: readonly string[]
}
interface Membership {
  readonly role: string
  readonly member: string
  /** WITH ADMIN, INHERIT and SET options; '' before PostgreSQL 16, where a membership has none of its own. */
  readonly options: string
}

export interface ClusterRoles {
  readonly roles: readonly RoleState[]
  readonly memberships: readonly Membership[]
}

/** Reads every role but the predefined ones. */
export async function readClusterRoles(admin: Session): Promise<ClusterRoles> {
  const roles = await admin.query(`SELECT rolname AS name, concat_ws(' ',
      CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END, CASE WHEN rolinherit THEN 'INHERIT'
        ELSE 'NOINHERIT' END,
      CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END, CASE WHEN rolcreatedb
        THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
      CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END, CASE WHEN rolreplication THEN 'REPLICATION'
        ELSE 'NOREPLICATION' END,
      CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END, 'CONNECTION LIMIT ' || rolconnlimit)
        AS attributes,
    coalesce((SELECT to_json(setconfig)::text FROM pg_db_role_setting WHERE setrole = r.oid
      AND setdatabase = 0), '[]') AS settings
    FROM pg_roles r WHERE rolname NOT LIKE 'pg\\_%' ORDER BY 1`)
  const [version] = await admin.query(
    `SELECT current_setting('server_version_num')::int >= 160000 AS has_options`,
  )
  const options =
    version?.['has_options'] === 't'
      ? `format('WITH ADMIN %s, INHERIT %s, SET %s', a.admin_option::text, a.inherit_option::text, a.set_option::text)`
      : `''`
  const memberships =
    await admin.query(`SELECT g.rolname AS role, m.rolname AS member, ${options} AS options FROM pg_auth_members a
    JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member ORDER BY 1, 2`)
  return {
    roles: roles.map((row) => ({
      name: String(row['name']),
      attributes: String(row['attributes']),
      settings: JSON.parse(String(row['settings'])) as string[],
    })),
    memberships: memberships.map((row) => ({
      role: String(row['role']),
      member: String(row['member']),
      options: String(row['options']),
    })),
  }
}

/** Brings the roles back to what they were; the mutant's database must be dropped before. */
export async function restoreClusterRoles(admin: Session, before: ClusterRoles): Promise<void> {
  const now = await readClusterRoles(admin)
  for (const role of now.roles) {
    const was = before.roles.find(({ name }) => name === role.name)
    if (was === undefined) {
      await admin.query(`DROP ROLE ${identifier(role.name)}`)
      continue
    }
    if (was.attributes !== role.attributes)
      await admin.query(`ALTER ROLE ${identifier(role.name)} ${was.attributes}`)
    if (JSON.stringify(was.settings) !== JSON.stringify(role.settings)) await resetSettings(admin, was)
  }
  const key = ({ role, member, options }: Membership) => JSON.stringify([role, member, options])
  const [had, has] = [new Set(before.memberships.map(key)), new Set(now.memberships.map(key))]
  const standing = new Set(before.roles.map(({ name }) => name))
  for (const each of now.memberships) {
    if (had.has(key(each)) || !standing.has(each.member)) continue
    await admin.query(`REVOKE ${identifier(each.role)} FROM ${identifier(each.member)}`)
  }
  for (const each of before.memberships) {
    if (has.has(key(each))) continue
    await admin.query(`GRANT ${identifier(each.role)} TO ${identifier(each.member)} ${each.options}`)
  }
}

async function resetSettings(admin: Session, { name, settings }: RoleState): Promise<void> {
  await admin.query(`ALTER ROLE ${identifier(name)} RESET ALL`)
  for (const setting of settings) {
    const [variable, ...rest] = setting.split('=')
    await admin.query(
      `ALTER ROLE ${identifier(name)} SET ${identifier(variable ?? '')} = ${literal(rest.join('='))}`,
    )
  }
}
