/**
 * Roles belong to the server, not to the clone that a mutant changes: what a mutant does to them is
 * noticed before others could see it, and undone before the next one runs.
 */

import { sqlstateOf } from '../../errors.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'

interface RoleState {
  /** A renamed role keeps its oid. */
  readonly oid: string
  readonly name: string
  readonly attributes: string
  /** As stored, '' for none. */
  readonly password: string
}
interface Membership {
  readonly role: string
  readonly member: string
  /** WITH ADMIN, INHERIT and SET options; '' before PostgreSQL 16, where a membership has none of its own. */
  readonly options: string
}
/** ALTER ROLE ... SET for every database; role '' is ALTER ROLE ALL. */
interface RoleSettings {
  readonly role: string
  readonly settings: readonly string[]
}

export interface ClusterRoles {
  readonly roles: readonly RoleState[]
  readonly memberships: readonly Membership[]
  readonly settings: readonly RoleSettings[]
}

const rolesSql = `SELECT r.oid, rolname AS name, concat_ws(' ',
    CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
    CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
    CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
    CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
    CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
    CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
    CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END, 'CONNECTION LIMIT ' || rolconnlimit,
    'VALID UNTIL ' || quote_literal(coalesce(rolvaliduntil, 'infinity'))) AS attributes,
  coalesce(rolpassword, '') AS password
  FROM pg_authid r WHERE rolname NOT LIKE 'pg\\_%' ORDER BY rolname`

const settingsSql = `SELECT coalesce(r.rolname, '') AS role, to_json(setconfig)::text AS settings
  FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE setdatabase = 0 ORDER BY 1`

/** Reads every role but the predefined ones; inside a transaction it sees what is not yet committed. */
export async function readClusterRoles(admin: Session): Promise<ClusterRoles> {
  const roles = await admin.query(rolesSql)
  const [version] = await admin.query(
    `SELECT current_setting('server_version_num')::int >= 160000 AS has_options`,
  )
  const options =
    version?.['has_options'] === 't'
      ? `format('WITH ADMIN %s, INHERIT %s, SET %s', a.admin_option::text, a.inherit_option::text, a.set_option::text)`
      : `''`
  const memberships =
    await admin.query(`SELECT g.rolname AS role, m.rolname AS member, ${options} AS options FROM pg_auth_members a
    JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member ORDER BY 1, 2, 3`)
  const settings = await admin.query(settingsSql)
  const text = (value: unknown) => String(value)
  return {
    roles: roles.map((row) => ({
      oid: text(row['oid']),
      name: text(row['name']),
      attributes: text(row['attributes']),
      password: text(row['password']),
    })),
    memberships: memberships.map((row) => ({
      role: text(row['role']),
      member: text(row['member']),
      options: text(row['options']),
    })),
    settings: settings.map((row) => ({
      role: text(row['role']),
      settings: JSON.parse(text(row['settings'])) as string[],
    })),
  }
}

/** True when nothing that belongs to the whole server differs. */
export function sameClusterRoles(one: ClusterRoles, other: ClusterRoles): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Brings the roles back to what they were; the mutant's database must be dropped before. */
export async function restoreClusterRoles(admin: Session, before: ClusterRoles): Promise<void> {
  const changed = await readClusterRoles(admin)
  if (sameClusterRoles(changed, before)) return
  for (const role of changed.roles) {
    const was = before.roles.find(({ oid }) => oid === role.oid)
    if (was === undefined) await dropRole(admin, role.name)
    else await restoreRole(admin, role, was)
  }
  // Names are what they were, and the memberships of dropped roles went with them.
  const now = await readClusterRoles(admin)
  await restoreMemberships(admin, now, before)
  const had = new Map(before.settings.map(({ role, settings }) => [role, settings]))
  for (const { role } of now.settings) await setSettings(admin, role, [])
  for (const [role, settings] of had) await setSettings(admin, role, settings)
}

/** A role that holds privileges on shared objects is freed of them first. */
async function dropRole(admin: Session, name: string): Promise<void> {
  try {
    await admin.query(`DROP ROLE ${identifier(name)}`)
  } catch (error) {
    if (sqlstateOf(error) !== '2BP01') throw error
    await admin.query(`DROP OWNED BY ${identifier(name)}`)
    await admin.query(`DROP ROLE ${identifier(name)}`)
  }
}

async function restoreRole(admin: Session, now: RoleState, was: RoleState): Promise<void> {
  const name = identifier(was.name)
  if (now.name !== was.name)
    await admin.query(`ALTER ROLE ${identifier(now.name)} RENAME TO ${name}`)
  if (now.attributes !== was.attributes) await admin.query(`ALTER ROLE ${name} ${was.attributes}`)
  if (now.password !== was.password)
    await admin.query(
      `ALTER ROLE ${name} PASSWORD ${was.password === '' ? 'NULL' : literal(was.password)}`,
    )
}

async function restoreMemberships(
  admin: Session,
  now: ClusterRoles,
  before: ClusterRoles,
): Promise<void> {
  const key = ({ role, member, options }: Membership) => JSON.stringify([role, member, options])
  const [had, has] = [new Set(before.memberships.map(key)), new Set(now.memberships.map(key))]
  for (const each of now.memberships) {
    if (had.has(key(each))) continue
    await admin.query(`REVOKE ${identifier(each.role)} FROM ${identifier(each.member)}`)
  }
  for (const each of before.memberships) {
    if (has.has(key(each))) continue
    await admin.query(
      `GRANT ${identifier(each.role)} TO ${identifier(each.member)} ${each.options}`,
    )
  }
}

/** The settings come as `name=value`; a list such as search_path is stored as it is written in SQL. */
async function setSettings(
  admin: Session,
  role: string,
  settings: readonly string[],
): Promise<void> {
  const who = role === '' ? 'ALL' : identifier(role)
  await admin.query(`ALTER ROLE ${who} RESET ALL`)
  for (const setting of settings) {
    const [variable, ...rest] = setting.split('=')
    await admin.query(
      `ALTER ROLE ${who} SET ${settingName(variable ?? '')} = ${literal(rest.join('='))}`,
    )
  }
}

/** A custom setting has two parts, and a dot inside quotes would be one of its letters. */
function settingName(variable: string): string {
  return variable.split('.').map(identifier).join('.')
}
