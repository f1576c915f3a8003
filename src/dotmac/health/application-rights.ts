/** What the application is, what it may become, and what it holds that no policy is asked about. */

import { literal } from '../../sql/identifier.ts'
import { tablesOf } from '../models/index.ts'
import type { Found, HealthSubject } from './health-check.ts'

/** The application's role and the login that its pool really uses. */
export async function loginsOf({ pool, roles }: HealthSubject): Promise<readonly string[]> {
  const client = await pool.connect()
  try {
    const {
      rows: [row],
    } = await client.query('SELECT session_user AS login')
    return [...new Set([roles.app, String(row?.['login'])])]
  } finally {
    client.release()
  }
}

export async function rightsOf(subject: HealthSubject, logins: readonly string[]): Promise<Found> {
  const roles = await subject.admin.query(
    `SELECT rolname AS name FROM pg_roles WHERE rolname IN (${list(logins)})`,
  )
  const missing = logins.filter((login) => !roles.some((row) => row['name'] === login))
  const findings = [
    ...missing.map((login) => `${login}: the role does not exist`),
    ...(await powers(subject, logins)),
    ...(await databaseRights(subject, logins)),
    ...(await futureObjects(subject, logins)),
    ...(await largeObjects(subject, logins)),
  ]
  return { findings, unjudged: [] }
}

export function list(names: readonly string[]): string {
  return names.map(literal).join(', ')
}

/** Before PostgreSQL 16 a member may always become the role; since then a membership has options of its own. */
export async function mayBecome({
  admin,
}: HealthSubject): Promise<(who: string, role: string) => string> {
  const [row] = await admin.query(
    "SELECT current_setting('server_version_num')::int >= 160000 AS has_options",
  )
  const ways =
    row?.['has_options'] === 't' ? ['SET', 'USAGE', 'MEMBER WITH ADMIN OPTION'] : ['MEMBER']
  return (who, role) =>
    `(${ways.map((way) => `pg_has_role(${who}, ${role}, ${literal(way)})`).join(' OR ')})`
}

const predefined = [
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_execute_server_program',
]

/** https://www.postgresql.org/docs/current/role-attributes.html */
async function powers(
  subject: HealthSubject,
  logins: readonly string[],
): Promise<readonly string[]> {
  const { admin, roles, tenants, tenancy } = subject
  const may = await mayBecome(subject)
  const own = new Set(tenancy === 'schema-per-tenant' ? tenants.map(({ role }) => role) : [])
  const rows =
    await admin.query(`WITH owners AS MATERIALIZED (SELECT DISTINCT c.relowner FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' WHERE c.relkind IN ('r', 'p'))
    SELECT w.rolname AS who, r.rolname AS role, concat_ws(', ',
      CASE WHEN r.rolsuper THEN 'a superuser' END, CASE WHEN r.rolbypassrls THEN 'beyond row security (BYPASSRLS)' END,
      CASE WHEN r.rolcreaterole THEN 'allowed to change roles (CREATEROLE)' END,
      CASE WHEN r.rolreplication THEN 'allowed to replicate every row (REPLICATION)' END,
      CASE WHEN r.rolname IN (${list(predefined)}) THEN 'a predefined role that reaches every row' END,
      CASE WHEN r.rolname = ${literal(roles.admin)} THEN 'the reporting role' END,
      CASE WHEN r.oid IN (SELECT relowner FROM owners) THEN 'the owner of tables with tenants'' rows' END) AS is,
      pg_has_role(w.oid, r.oid, 'USAGE') AS inherits
    FROM pg_roles w JOIN pg_roles r ON r.oid = w.oid OR (NOT w.rolsuper
      AND EXISTS (SELECT FROM pg_auth_members m WHERE m.member = w.oid) AND ${may('w.oid', 'r.oid')})
    WHERE w.rolname IN (${list([...logins, ...own])})`)
  return rows.flatMap((row) => {
    const { who, role, is } = {
      who: String(row['who']),
      role: String(row['role']),
      is: String(row['is']),
    }
    if (own.has(role)) {
      // A tenant's role may own its schema; the application becomes it, but must not be it without SET ROLE.
      const isMore = is.replace(/(, )?the owner of tables with tenants' rows$/, '')
      if (isMore !== '') return [`${role} is ${isMore}`]
      if (own.has(who) && who !== role) return [`${who} can become ${role}, another tenant's role`]
      return who !== role && row['inherits'] === 't'
        ? [`${who} inherits the rights of ${role} without SET ROLE`]
        : []
    }
    if (own.has(who) && logins.includes(role))
      return [`${who} can become ${role}, which enters every tenant`]
    if (is === '') return []
    return [who === role ? `${who} is ${is}` : `${who} can become ${role}, which is ${is}`]
  })
}

/** Privileges that row security is not asked about, and writing to what all tenants read. */
async function databaseRights(
  subject: HealthSubject,
  logins: readonly string[],
): Promise<readonly string[]> {
  const { admin, service, tenancy } = subject
  if (tenancy === 'schema-per-tenant') return []
  const shared = tablesOf(service)
    .filter(({ placement }) => placement === 'shared')
    .map(({ name }) => name)
  const who = `pg_roles w WHERE NOT w.rolsuper AND w.rolname IN (${list(logins)})`
  const user = "n.nspname !~ '^(pg_|information_schema$)'"
  const rows =
    await admin.query(`SELECT w.rolname || ' may use ' || privilege || ' on ' || n.nspname || '.'
      || c.relname || ', which no policy is asked about' AS finding
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
      unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER']) privilege, ${who} AND c.relkind IN ('r', 'p') AND ${user}
      AND has_table_privilege(w.oid, c.oid, privilege)
    UNION ALL SELECT w.rolname || ' may write ' || n.nspname || '.' || c.relname || ', which all tenants read'
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, ${who}
      AND n.nspname = 'public' AND c.relname IN (${list(['', ...shared])}) AND c.relkind IN ('r', 'p')
      AND (has_any_column_privilege(w.oid, c.oid, 'INSERT, UPDATE') OR has_table_privilege(w.oid, c.oid, 'DELETE'))
    UNION ALL SELECT w.rolname || ' may set the sequence ' || n.nspname || '.' || c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, ${who}
      AND c.relkind = 'S' AND ${user} AND has_sequence_privilege(w.oid, c.oid, 'UPDATE')
    UNION ALL SELECT w.rolname || ' may create objects in the schema ' || n.nspname
    FROM pg_namespace n, ${who} AND ${user} AND has_schema_privilege(w.oid, n.oid, 'CREATE')`)
  return rows.map((row) => String(row['finding']))
}

/** Default privileges open a table before anybody has given it policies. */
async function futureObjects(
  { admin, tenancy, tenants }: HealthSubject,
  logins: readonly string[],
): Promise<readonly string[]> {
  const rows =
    await admin.query(`SELECT coalesce(r.rolname, 'PUBLIC') AS who, coalesce(n.nspname, '') AS schema
    FROM pg_default_acl d CROSS JOIN LATERAL aclexplode(d.defaclacl) a
    LEFT JOIN pg_roles r ON r.oid = a.grantee LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
    WHERE d.defaclobjtype = 'r' GROUP BY 1, 2 ORDER BY 1, 2`)
  const homes = new Map(
    tenancy === 'schema-per-tenant' ? tenants.map(({ role, schema }) => [role, schema]) : [],
  )
  return rows
    .map((row) => ({ who: String(row['who']), schema: String(row['schema']) }))
    .filter(
      ({ who, schema }) =>
        ['PUBLIC', ...logins].includes(who) || (homes.has(who) && homes.get(who) !== schema),
    )
    .map(
      ({ who, schema }) =>
        `default privileges open every future table${
          schema === '' ? '' : ` in ${schema}`
        } to ${who}`,
    )
}

/** They know owners and grants and no tenants. https://www.postgresql.org/docs/current/largeobjects.html */
async function largeObjects(
  { admin }: HealthSubject,
  logins: readonly string[],
): Promise<readonly string[]> {
  const rows = await admin.query(`SELECT m.oid, r.rolname AS owner FROM pg_largeobject_metadata m
    LEFT JOIN pg_roles r ON r.oid = m.lomowner
    WHERE r.rolname IN (${list(logins)}) OR EXISTS (SELECT FROM aclexplode(m.lomacl) a LEFT JOIN pg_roles g
      ON g.oid = a.grantee WHERE a.grantee = 0 OR g.rolname IN (${list(logins)})) ORDER BY m.oid LIMIT 3`)
  return rows.map(
    (row) => `the large object ${String(row['oid'])} is open to every tenant of the application`,
  )
}
