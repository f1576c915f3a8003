/** What keeps tenants apart under schema-per-tenant: who enters each schema, and what reaches out of it. */

import { literal } from '../../sql/identifier.ts'
import { tablesOf } from '../models/index.ts'
import { controlSchema, sharedSchema } from '../schema-manager.ts'
import { list } from './application-rights.ts'
import type { Found, HealthCheck, HealthSubject } from './health-check.ts'

/** Each tenant's schema is open to its own role, the owner and the reporting role, and to nobody else. */
export async function schemaGrants(
  subject: HealthSubject,
  logins: readonly string[],
): Promise<Found & Pick<HealthCheck, 'lookedAt'>> {
  const { tenants, roles } = subject
  const open = await grantsBySchema(subject)
  const findings: string[] = []
  for (const { schema, role } of tenants) {
    const grantees = open.get(schema)
    if (grantees === undefined) findings.push(`${schema}: the schema is missing or open to nobody`)
    findings.push(
      ...[...(grantees ?? [])]
        .filter((name) => ![role, roles.owner, roles.admin].includes(name))
        .map((name) => `${schema}: open to ${name}`),
    )
  }
  findings.push(
    ...(await openToOthersRows(subject)),
    ...(await platformSchemas(subject, logins)),
    ...(await reachingOut(subject)),
  )
  const schemas = tenants.filter(({ schema }) => open.has(schema)).length
  return { findings, unjudged: [], lookedAt: { schemas } }
}

/** What keeps other tenants' rows out of a tenant's schema, whoever writes them. */
async function openToOthersRows({
  admin,
  tenants,
  service,
}: HealthSubject): Promise<readonly string[]> {
  const rows = await admin.query(`SELECT n.nspname || '.' || k.conname AS name FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'c' AND k.convalidated AND k.conname LIKE '%\\_only\\_tenant'`)
  const there = new Set(rows.map((row) => row['name']))
  const tables = tablesOf(service).filter(({ placement }) => placement === 'tenant')
  return tenants.flatMap(({ schema }) =>
    tables
      .filter(({ name }) => !there.has(`${schema}.${name}_only_tenant`))
      .map(({ name }) => `${schema}.${name}: nothing keeps rows of another tenant out`),
  )
}

/** Of schemas, of what is in them, and of single columns. */
async function grantsBySchema({
  admin,
}: HealthSubject): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const rows =
    await admin.query(`SELECT DISTINCT n.nspname AS schema, coalesce(r.rolname, 'PUBLIC') AS grantee
    FROM (SELECT oid AS namespace, nspacl AS acl FROM pg_namespace
      UNION ALL SELECT relnamespace, relacl FROM pg_class
      UNION ALL SELECT c.relnamespace, a.attacl FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE a.attacl IS NOT NULL) given
    JOIN pg_namespace n ON n.oid = given.namespace CROSS JOIN LATERAL aclexplode(given.acl) a
    LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE n.nspname !~ '^(pg_|information_schema$)'
      AND r.rolsuper IS NOT TRUE`)
  const found = new Map<string, Set<string>>()
  for (const row of rows) {
    const schema = String(row['schema'])
    found.set(schema, (found.get(schema) ?? new Set<string>()).add(String(row['grantee'])))
  }
  return found
}

/** No tenant enters the platform's own schema, creates in a schema, or writes to what all of them read. */
async function platformSchemas(
  { admin, tenants }: HealthSubject,
  logins: readonly string[],
): Promise<readonly string[]> {
  const who = `(a.grantee = 0 OR r.rolname IN (${list([...logins, ...tenants.map(({ role }) => role)])}))`
  const grantee = "coalesce(r.rolname, 'PUBLIC')"
  const rows = await admin.query(`SELECT ${grantee} || CASE a.privilege_type WHEN 'CREATE'
      THEN ' may create objects in ' ELSE ' may enter ' END || n.nspname AS finding
    FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE ${who} AND n.nspname !~ '^(pg_|information_schema$)'
      AND (a.privilege_type = 'CREATE' AND n.nspname NOT IN (${list(['', ...tenants.map(({ schema }) => schema)])})
        OR n.nspname = ${literal(controlSchema)})
    UNION ALL SELECT ${grantee} || ' may use ' || a.privilege_type || ' on ' || n.nspname || '.' || c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE ${who} AND n.nspname IN ('public', ${literal(sharedSchema)}, ${literal(controlSchema)})
      AND a.privilege_type <> 'SELECT'`)
  return rows.map((row) => String(row['finding']))
}

/** Views, keys and children that bind one tenant's schema to another's, or to what is open to several. */
async function reachingOut({ admin, tenants, roles }: HealthSubject): Promise<readonly string[]> {
  const rows = await admin.query(`WITH edges AS (
      SELECT w.ev_class AS from_oid, d.refobjid AS to_oid FROM pg_depend d
        JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
        WHERE d.refclassid = 'pg_class'::regclass AND w.ev_class <> d.refobjid
      UNION SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f'
      UNION SELECT inhrelid, inhparent FROM pg_inherits
      UNION SELECT inhparent, inhrelid FROM pg_inherits)
    SELECT f.relname AS name, fn.nspname AS schema, tn.nspname AS other, EXISTS (SELECT FROM aclexplode(f.relacl) a
        LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE coalesce(r.rolname, 'PUBLIC') NOT IN (${list([roles.admin, roles.owner])})
          AND a.grantee <> f.relowner) AS open
    FROM edges JOIN pg_class f ON f.oid = from_oid JOIN pg_namespace fn ON fn.oid = f.relnamespace
    JOIN pg_class t ON t.oid = to_oid JOIN pg_namespace tn ON tn.oid = t.relnamespace
    WHERE fn.nspname <> tn.nspname ORDER BY 2, 1, 3`)
  const schemas = new Set(tenants.map(({ schema }) => schema))
  return rows
    .filter(
      (row) =>
        schemas.has(String(row['other'])) &&
        (schemas.has(String(row['schema'])) || row['open'] === 't'),
    )
    .map(
      (row) =>
        `${String(row['schema'])}.${String(row['name'])} reaches into ${String(row['other'])}`,
    )
}
