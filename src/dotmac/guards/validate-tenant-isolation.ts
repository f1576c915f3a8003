/** The guard of the whole table: row security in force, the four policies and nothing beside them, least grants. */

import { WatertightError } from '../../errors.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import { fourPoliciesSql, hardenedCheck, hardenedPredicate } from '../policies.ts'
import {
  doing,
  guardError,
  isTrue,
  readTable,
  type GuardedTable,
  type GuardReport,
  type GuardScope,
} from './guarded-table.ts'
import { missingChecks, refuseColumn } from './ensure-tenant-column.ts'
import { hasIndex, refuseKeysWithoutTenant, wantedIndexes } from './ensure-tenant-indexes.ts'

/**
 * Adds what is missing: owner, ENABLE and FORCE (on partitions too), the seed's four policies, the reporting
 * policy, grants; refuses what is wrong. Shared tables need policies; in a tenant's own schema the grants are
 * the boundary. Runs in the caller's transaction, as a role that may alter the table.
 * @throws WatertightError WATERTIGHT_GUARD for a missing column or index, a policy that is not ours and permissive,
 *   a predicate that is another one, a key or a foreign key to tenants' rows without tenant_id, or rights that only
 *   the owner should have.
 */
export async function validateTenantIsolation(
  session: Session,
  name: string,
  scope: GuardScope,
): Promise<GuardReport> {
  const table = await readTable(session, name, scope)
  await refuseUnprepared(session, table, scope)
  await refuseForeignKeys(session, table)
  const partitions = await partitionsOf(session, table)
  await refuseRights(session, table, { scope, partitions })
  const did = [
    ...(await ensureOwner(session, table, { scope, partitions })),
    ...(scope.onlyTenant === undefined
      ? await ensureRowSecurity(session, table, { scope, partitions })
      : []),
    ...(await ensureGrants(session, table, scope)),
  ]
  return { table: name, did }
}

async function refuseUnprepared(
  session: Session,
  table: GuardedTable,
  scope: GuardScope,
): Promise<void> {
  const column = table.columns.find(({ name }) => name === 'tenant_id')
  if (column?.notNull !== true) {
    throw guardError(
      table.name,
      'it has no tenant_id that is NOT NULL',
      'Call ensureTenantColumn before',
    )
  }
  refuseColumn(table, scope)
  const [check] = await missingChecks(session, table, scope)
  if (check !== undefined) {
    throw guardError(
      table.name,
      `nothing checks that ${check.condition}`,
      'Call ensureTenantColumn before',
    )
  }
  refuseKeysWithoutTenant(table, scope)
  const missing = wantedIndexes(table, { scope }).find((index) => !hasIndex(table, index))
  if (missing !== undefined) {
    throw guardError(
      table.name,
      `it has no index ${missing.name}`,
      'Call ensureTenantIndexes before',
    )
  }
}

/** A foreign key to rows of tenants must compare this tenant_id with that one, not another column with it. */
async function refuseForeignKeys(session: Session, table: GuardedTable): Promise<void> {
  const [bad] =
    await session.query(`SELECT k.conname AS name, k.confrelid::regclass::text AS referenced
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute o ON o.attrelid = k.conrelid
      AND o.attname = 'tenant_id' AND NOT o.attisdropped
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE k.conrelid = ${table.oid} AND k.contype = 'f' AND NOT EXISTS (
      SELECT FROM unnest(k.conkey, k.confkey) AS pair (own, referenced)
      WHERE pair.own = o.attnum AND pair.referenced = a.attnum) LIMIT 1`)
  if (bad === undefined) return
  throw guardError(
    table.name,
    `${String(bad['name'])} refers to ${String(bad['referenced'])} without tenant_id`,
    'Refer to (tenant_id, id): row security does not filter foreign key checks',
  )
}

interface Partition {
  readonly address: string
  readonly oid: string
  readonly owner: string
  readonly secured: boolean
  /** Name of a permissive policy of its own, which would open it beside the table. */
  readonly policy: string | null
}

interface Parts {
  readonly scope: GuardScope
  readonly partitions: readonly Partition[]
}

/** Partitions of every level, and tables that inherit. */
async function partitionsOf(session: Session, table: GuardedTable): Promise<readonly Partition[]> {
  const rows = await session.query(`WITH RECURSIVE below (oid) AS (
      SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = ${table.oid}
      UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below b ON i.inhparent = b.oid)
    SELECT format('%I.%I', n.nspname, c.relname) AS address, c.oid::text AS oid,
      pg_get_userbyid(c.relowner) AS owner, c.relrowsecurity AND c.relforcerowsecurity AS secured,
      (SELECT min(p.polname) FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive) AS policy
    FROM below b JOIN pg_catalog.pg_class c ON c.oid = b.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    ORDER BY 1`)
  return rows.map((row) => ({
    address: String(row['address']),
    oid: String(row['oid']),
    owner: String(row['owner']),
    secured: isTrue(row, 'secured'),
    policy: typeof row['policy'] === 'string' ? row['policy'] : null,
  }))
}

/**
 * PUBLIC may do nothing; row security says nothing about TRUNCATE, REFERENCES and TRIGGER, so nobody has them, and
 * partitions are reached through their table. In a tenant's own schema grants are the boundary: no other role has any.
 */
async function refuseRights(
  session: Session,
  table: GuardedTable,
  { scope, partitions }: Parts,
): Promise<void> {
  const { roles, onlyTenant } = scope
  const open =
    onlyTenant === undefined ? partitions.find(({ policy }) => policy !== null) : undefined
  if (open !== undefined) {
    throw guardError(
      table.name,
      `its partition ${open.address} has the policy ${String(open.policy)} of its own`,
      'Drop it: the policies of the table are asked for what goes through it',
    )
  }
  const oids = [String(table.oid), ...partitions.map(({ oid }) => oid)].join(', ')
  const rows =
    await session.query(`SELECT g.oid::text AS oid, coalesce(r.rolname, 'PUBLIC') AS grantee, g.privilege
    FROM (SELECT c.oid, c.relowner, a.grantee, a.privilege_type AS privilege
        FROM pg_catalog.pg_class c, aclexplode(c.relacl) a
      UNION ALL SELECT c.oid, c.relowner, a.grantee, a.privilege_type FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a) g
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
    WHERE g.oid IN (${oids}) AND g.grantee <> g.relowner AND r.rolname IS DISTINCT FROM ${literal(roles.owner)}`)
  const bad = rows.find(
    ({ oid, grantee, privilege }) =>
      grantee === 'PUBLIC' ||
      ['TRUNCATE', 'REFERENCES', 'TRIGGER'].includes(String(privilege)) ||
      (grantee === roles.admin && privilege !== 'SELECT') ||
      (onlyTenant === undefined
        ? grantee === roles.app && oid !== String(table.oid)
        : grantee !== roles.admin && grantee !== onlyTenant.role),
  )
  if (bad === undefined) return
  const where = partitions.find(({ oid }) => oid === bad['oid'])?.address
  const on = where === undefined ? '' : ` on its partition ${where}`
  throw guardError(
    table.name,
    `${String(bad['grantee'])} has ${String(bad['privilege'])}${on}`,
    'Revoke it',
  )
}

async function ensureOwner(
  session: Session,
  table: GuardedTable,
  { scope: { roles }, partitions }: Parts,
): Promise<readonly string[]> {
  const give = (address: string, what: string) => ({
    sql: `ALTER TABLE ${address} OWNER TO ${identifier(roles.owner)}`,
    did: `gave ${what} to ${roles.owner}`,
  })
  return doing(session, [
    ...(table.owner === roles.owner ? [] : [give(table.address, 'it')]),
    ...partitions
      .filter(({ owner }) => owner !== roles.owner)
      .map(({ address }) => give(address, `partition ${address}`)),
  ])
}

async function ensureRowSecurity(
  session: Session,
  table: GuardedTable,
  { scope, partitions }: Parts,
): Promise<readonly string[]> {
  const secure = (address: string) => `ALTER TABLE ${address} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE ${address} FORCE ROW LEVEL SECURITY`
  const own =
    table.rowSecurity && table.forced
      ? []
      : [{ sql: secure(table.address), did: 'put row security in force' }]
  const ofPartitions = partitions
    .filter(({ secured }) => !secured)
    .map(({ address }) => ({ sql: secure(address), did: `secured partition ${address}` }))
  return [
    ...(await doing(session, [...own, ...ofPartitions])),
    ...(await ensurePolicies(session, table, scope)),
  ]
}

interface Policy {
  readonly name: string
  readonly command: string
  readonly permissive: boolean
  readonly roles: string
  readonly using: string | null
  readonly check: string | null
}

async function ensurePolicies(
  session: Session,
  table: GuardedTable,
  scope: GuardScope,
): Promise<readonly string[]> {
  const predicate = hardenedPredicate(table.isPartitioned ? { hashPartitions: 1 } : {})
  const wanted = await policiesAsStored(session, table, { predicate, roles: scope.roles })
  const there = (await readPolicies(session, table)).filter(({ permissive }) => permissive)
  const stray = there.find(({ name }) => !wanted.some((each) => each.name === name))
  if (stray !== undefined) {
    throw guardError(
      table.name,
      `the permissive policy ${stray.name} is not one of ours, and policies are OR-ed`,
      'Drop it, or make it RESTRICTIVE',
    )
  }
  const different = there.find(
    (each) =>
      JSON.stringify(each) !== JSON.stringify(wanted.find(({ name }) => name === each.name)),
  )
  if (different !== undefined) {
    throw guardError(
      table.name,
      `the policy ${different.name} says ${different.using ?? different.check ?? 'nothing'}`,
      `It must say ${predicate}`,
    )
  }
  const missing = wanted.filter(({ name }) => !there.some((each) => each.name === name))
  if (missing.length > 0 && missing.length < wanted.length) {
    throw guardError(
      table.name,
      `it lacks the policy ${missing.map(({ name }) => name).join(', ')}`,
      'Drop the others, so that all are created together',
    )
  }
  return missing.length === 0
    ? []
    : doing(session, [
        {
          sql: policiesSql(table.address, { predicate, roles: scope.roles }),
          did: 'created the four policies',
        },
      ])
}

interface Wanted {
  readonly predicate: string
  readonly roles: GuardScope['roles']
}

function policiesSql(address: string, { predicate, roles }: Wanted): string {
  return `${fourPoliciesSql(address, predicate, hardenedCheck)}
CREATE POLICY tenant_reporting_select ON ${address} FOR SELECT TO ${identifier(roles.admin)} USING (true);`
}

/** As the catalogue prints them: PostgreSQL rewrites predicates, so ours are made, read and undone. */
async function policiesAsStored(
  session: Session,
  table: GuardedTable,
  wanted: Wanted,
): Promise<readonly Policy[]> {
  const names = (await readPolicies(session, table)).map(({ name }) => name)
  await session.query('SAVEPOINT expected_policies')
  try {
    for (const name of names)
      await session.query(`DROP POLICY ${identifier(name)} ON ${table.address}`)
    await session.query(policiesSql(table.address, wanted))
    return await readPolicies(session, table)
  } finally {
    await session.query(
      'ROLLBACK TO SAVEPOINT expected_policies; RELEASE SAVEPOINT expected_policies',
    )
  }
}

async function readPolicies(session: Session, table: GuardedTable): Promise<readonly Policy[]> {
  const rows =
    await session.query(`SELECT p.polname AS name, p.polcmd::text AS command, p.polpermissive AS permissive,
    (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE r::regrole::text END, ', ') FROM unnest(p.polroles) r) AS roles,
    pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS check
    FROM pg_catalog.pg_policy p WHERE p.polrelid = ${table.oid} ORDER BY p.polname`)
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  return rows.map((row) => ({
    name: String(row['name']),
    command: String(row['command']),
    permissive: isTrue(row, 'permissive'),
    roles: String(row['roles']),
    using: text(row['using']),
    check: text(row['check']),
  }))
}

async function ensureGrants(
  session: Session,
  table: GuardedTable,
  scope: GuardScope,
): Promise<readonly string[]> {
  const application = scope.onlyTenant?.role ?? scope.roles.app
  const wanted = [
    [application, 'SELECT'],
    [application, 'INSERT'],
    [application, 'UPDATE'],
    [application, 'DELETE'],
    [scope.roles.admin, 'SELECT'],
  ] as const
  const held = await session.query(`SELECT r.rolname AS role, g.privilege_type AS privilege
    FROM pg_catalog.pg_class c, aclexplode(c.relacl) g JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
    WHERE c.oid = ${table.oid} AND r.rolname IN (${[application, scope.roles.admin].map(literal).join(', ')})`)
  // Narrower grants are the migration's own decision; only a role that has none gets the usual ones.
  const missing = wanted.filter(([role]) => !held.some((row) => row['role'] === role))
  return doing(
    session,
    missing.map(([role, privilege]) => ({
      sql: `GRANT ${privilege} ON ${table.address} TO ${identifier(role)}`,
      did: `granted ${privilege} to ${role}`,
    })),
  )
}

/** The error of a migration whose table was never validated. */
export function unguarded(table: string, migration: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_GUARD',
    `Migration ${migration} makes the table ${table} without tenant isolation`,
    {
      hint:
        `Add the lines "-- guard: ensureTenantColumn(${table})", "-- guard: ensureTenantIndexes(${table})" and ` +
        `"-- guard: validateTenantIsolation(${table})", or "-- guard: sharedTable(${table})" for reference data`,
    },
  )
}

/** The error of a migration that opens a table which was there. */
export function opened(table: string, migration: string, reason: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_GUARD',
    `Migration ${migration} opens the table ${table}: ${reason}`,
    {
      hint:
        `Take that out, or add the line "-- guard: validateTenantIsolation(${table})" ` +
        'where a guard may put it back',
    },
  )
}
