/** The guard of the whole table: row security in force, the four policies and nothing beside them, least grants. */

import { WatertightError } from '../../errors.ts'
import { identifier, literal } from '../../postgres/identifier.ts'
import type { Session } from '../../postgres/session.ts'
import { fourPoliciesSql, hardenedCheck, hardenedPredicate } from '../policies.ts'
import {
  doing, guardError, isTrue, readTable, type GuardedTable, type GuardReport, type GuardScope,
} from './guarded-table.ts'
import { wantedIndexes } from './ensure-tenant-indexes.ts'

/**
 * Adds what is missing: owner, ENABLE and FORCE (on partitions too), the seed's four policies, the reporting
 * policy, grants; refuses what is wrong. Shared tables need policies; in a tenant's own schema the grants are
 * the boundary. Runs in the caller's transaction, as a role that may alter the table.
 * @throws WatertightError WATERTIGHT_GUARD for a missing column or index, a policy that is not ours and permissive,
 *   a predicate that is another one, a foreign key to tenants' rows without tenant_id, or rights of PUBLIC.
 */
export async function validateTenantIsolation(
  session: Session, name: string, scope: GuardScope,
): Promise<GuardReport> {
  const table = await readTable(session, name, scope)
  refuseUnprepared(table, scope)
  await refuseForeignKeys(session, table)
  await refuseRights(session, table, scope)
  const did = [
    ...await ensureOwner(session, table, scope),
    ...scope.onlyTenant === undefined ? await ensureRowSecurity(session, table, scope) : [],
    ...await ensureGrants(session, table, scope),
  ]
  return { table: name, did }
}

function refuseUnprepared(table: GuardedTable, scope: GuardScope): void {
  const column = table.columns.find(({ name }) => name === 'tenant_id')
  if (column?.notNull !== true) {
    throw guardError(table.name, 'it has no tenant_id that is NOT NULL', 'Call ensureTenantColumn before')
  }
  const names = new Set(table.indexes.map(({ name }) => name))
  const missing = wantedIndexes(table, { scope }).find(({ name }) => !names.has(name))
  if (missing !== undefined) {
    throw guardError(table.name, `it has no index ${missing.name}`, 'Call ensureTenantIndexes before')
  }
}

async function refuseForeignKeys(session: Session, table: GuardedTable): Promise<void> {
  const [bad] = await session.query(`SELECT k.conname AS name, k.confrelid::regclass::text AS referenced
    FROM pg_catalog.pg_constraint k WHERE k.conrelid = ${table.oid} AND k.contype = 'f'
    AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = k.confrelid AND a.attname = 'tenant_id'
      AND NOT a.attisdropped AND NOT a.attnum = ANY (k.confkey)) LIMIT 1`)
  if (bad === undefined) return
  throw guardError(table.name, `${String(bad['name'])} refers to ${String(bad['referenced'])} without tenant_id`,
    'Refer to (tenant_id, id): row security does not filter foreign key checks')
}

/** PUBLIC may do nothing; row security says nothing about TRUNCATE, REFERENCES and TRIGGER, so nobody has them. */
async function refuseRights(session: Session, table: GuardedTable, { roles, onlyTenant }: GuardScope): Promise<void> {
  const application = onlyTenant?.role ?? roles.app
  const rows = await session.query(`SELECT coalesce(r.rolname, 'PUBLIC') AS grantee, g.privilege_type AS privilege
    FROM pg_catalog.pg_class c, aclexplode(c.relacl) g LEFT JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
    WHERE c.oid = ${table.oid}
      OR c.oid IN (SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = ${table.oid})`)
  const bad = rows.find(({ grantee, privilege }) => grantee === 'PUBLIC'
    || (grantee === application && ['TRUNCATE', 'REFERENCES', 'TRIGGER'].includes(String(privilege))))
  if (bad === undefined) return
  throw guardError(table.name, `${String(bad['grantee'])} has ${String(bad['privilege'])}`, 'Revoke it')
}

async function ensureOwner(session: Session, table: GuardedTable, { roles }: GuardScope): Promise<readonly string[]> {
  return table.owner === roles.owner ? [] : doing(session, [{
    sql: `ALTER TABLE ${table.address} OWNER TO ${identifier(roles.owner)}`, did: `gave it to ${roles.owner}`,
  }])
}

async function ensureRowSecurity(session: Session, table: GuardedTable, scope: GuardScope): Promise<readonly string[]> {
  const partitions = await session.query(`SELECT c.oid::regclass::text AS address, pg_get_userbyid(c.relowner) AS owner,
    c.relrowsecurity AND c.relforcerowsecurity AS secured FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = ${table.oid} ORDER BY 1`)
  const secure = (address: string) => `ALTER TABLE ${address} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE ${address} FORCE ROW LEVEL SECURITY`
  const own = table.rowSecurity && table.forced ? [] : [
    { sql: secure(table.address), did: 'put row security in force' }]
  const owner = identifier(scope.roles.owner)
  const ofPartitions = partitions.filter((row) => !isTrue(row, 'secured')).map((row) => {
    const address = String(row['address'])
    return { sql: `ALTER TABLE ${address} OWNER TO ${owner}; ${secure(address)}`, did: `secured partition ${address}` }
  })
  return [...await doing(session, [...own, ...ofPartitions]), ...await ensurePolicies(session, table, scope)]
}

interface Policy {
  readonly name: string
  readonly command: string
  readonly permissive: boolean
  readonly roles: string
  readonly using: string | null
  readonly check: string | null
}

async function ensurePolicies(session: Session, table: GuardedTable, scope: GuardScope): Promise<readonly string[]> {
  const predicate = hardenedPredicate(table.isPartitioned ? { hashPartitions: 1 } : {})
  const wanted = await policiesAsStored(session, table, { predicate, roles: scope.roles })
  const there = (await readPolicies(session, table)).filter(({ permissive }) => permissive)
  const stray = there.find(({ name }) => !wanted.some((each) => each.name === name))
  if (stray !== undefined) {
    throw guardError(table.name, `the permissive policy ${stray.name} is not one of ours, and policies are OR-ed`,
      'Drop it, or make it RESTRICTIVE')
  }
  const different = there.find((each) =>
    JSON.stringify(each) !== JSON.stringify(wanted.find(({ name }) => name === each.name)))
  if (different !== undefined) {
    throw guardError(table.name, `the policy ${different.name} says ${different.using ?? different.check ?? 'nothing'}`,
      `It must say ${predicate}`)
  }
  const missing = wanted.filter(({ name }) => !there.some((each) => each.name === name))
  if (missing.length > 0 && missing.length < wanted.length) {
    throw guardError(table.name, `it lacks the policy ${missing.map(({ name }) => name).join(', ')}`,
      'Drop the others, so that all are created together')
  }
  return missing.length === 0 ? [] : doing(session, [{
    sql: policiesSql(table.address, { predicate, roles: scope.roles }), did: 'created the four policies',
  }])
}

interface Wanted { readonly predicate: string; readonly roles: GuardScope['roles'] }

function policiesSql(address: string, { predicate, roles }: Wanted): string {
  return `${fourPoliciesSql(address, predicate, hardenedCheck)}
CREATE POLICY tenant_reporting_select ON ${address} FOR SELECT TO ${identifier(roles.admin)} USING (true);`
}

/** As the catalogue prints them: PostgreSQL rewrites predicates, so ours are made, read and undone. */
async function policiesAsStored(session: Session, table: GuardedTable, wanted: Wanted): Promise<readonly Policy[]> {
  const names = (await readPolicies(session, table)).map(({ name }) => name)
  await session.query('SAVEPOINT expected_policies')
  try {
    for (const name of names) await session.query(`DROP POLICY ${identifier(name)} ON ${table.address}`)
    await session.query(policiesSql(table.address, wanted))
    return await readPolicies(session, table)
  } finally {
    await session.query('ROLLBACK TO SAVEPOINT expected_policies; RELEASE SAVEPOINT expected_policies')
  }
}

async function readPolicies(session: Session, table: GuardedTable): Promise<readonly Policy[]> {
  const rows = await session.query(`SELECT p.polname AS name, p.polcmd::text AS command, p.polpermissive AS permissive,
    (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE r::regrole::text END, ', ') FROM unnest(p.polroles) r) AS roles,
    pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS check
    FROM pg_catalog.pg_policy p WHERE p.polrelid = ${table.oid} ORDER BY p.polname`)
  const text = (value: unknown) => typeof value === 'string' ? value : null
  return rows.map((row) => ({
    name: String(row['name']), command: String(row['command']), permissive: isTrue(row, 'permissive'),
    roles: String(row['roles']), using: text(row['using']), check: text(row['check']),
  }))
}

async function ensureGrants(session: Session, table: GuardedTable, scope: GuardScope): Promise<readonly string[]> {
  const application = scope.onlyTenant?.role ?? scope.roles.app
  const wanted = [[application, 'SELECT'], [application, 'INSERT'], [application, 'UPDATE'], [application, 'DELETE'],
    [scope.roles.admin, 'SELECT']] as const
  const held = await session.query(`SELECT r.rolname AS role, g.privilege_type AS privilege
    FROM pg_catalog.pg_class c, aclexplode(c.relacl) g JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
    WHERE c.oid = ${table.oid} AND r.rolname IN (${[application, scope.roles.admin].map(literal).join(', ')})`)
  // Narrower grants are the migration's own decision; only a role that has none gets the usual ones.
  const missing = wanted.filter(([role]) => !held.some((row) => row['role'] === role))
  return doing(session, missing.map(([role, privilege]) => ({
    sql: `GRANT ${privilege} ON ${table.address} TO ${identifier(role)}`, did: `granted ${privilege} to ${role}`,
  })))
}

/** The error of a migration whose table was never validated. */
export function unguarded(table: string, migration: string): WatertightError {
  return new WatertightError('WATERTIGHT_GUARD',
    `Migration ${migration} makes the table ${table} without tenant isolation`, {
      hint: `Add the lines "-- guard: ensureTenantColumn(${table})", "-- guard: ensureTenantIndexes(${table})" and ` +
        `"-- guard: validateTenantIsolation(${table})", or "-- guard: sharedTable(${table})" for reference data`,
    })
}
