/** The guard of tables without tenants: reference data that all may read, platform tables that none may. */

import { literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import {
  guardError,
  readTable,
  type GuardedTable,
  type GuardReport,
  type GuardScope,
} from './guarded-table.ts'

/**
 * Refuses rights that nobody should have; it adds none.
 * @throws WatertightError WATERTIGHT_GUARD when PUBLIC, the application or a tenant's role may write, or may
 *   read what is the platform's own, and when what everybody reads are rows of tenants: its own, or those of a table
 *   that inherits from it.
 */
export async function refuseSharedWrites(
  session: Session,
  name: string,
  scope: GuardScope & { readonly readers: 'everybody' | 'nobody' },
): Promise<GuardReport> {
  const table = await readTable(session, name, scope)
  if (
    scope.readers === 'everybody' &&
    table.columns.some(({ name: column }) => column === 'tenant_id')
  ) {
    throw guardError(
      name,
      'it has tenant_id, so its rows are not for every tenant',
      "Call the guards of tenants' tables, or platformTable if no tenant reads it",
    )
  }
  if (scope.readers === 'everybody') await refuseTenantsRows(session, table)
  const held =
    await session.query(`SELECT coalesce(r.rolname, 'PUBLIC') AS grantee, g.privilege FROM (
      SELECT c.relowner, a.grantee, a.privilege_type AS privilege
        FROM pg_catalog.pg_class c, aclexplode(c.relacl) a WHERE c.oid = ${table.oid}
      UNION ALL SELECT c.relowner, a.grantee, a.privilege_type FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a WHERE c.oid = ${table.oid}) g
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = g.grantee WHERE g.grantee <> g.relowner
      AND coalesce(r.rolname, '') NOT IN (${[scope.roles.owner, scope.roles.admin].map(literal).join(', ')})`)
  const bad = held.find(({ privilege }) => scope.readers === 'nobody' || privilege !== 'SELECT')
  if (bad === undefined) return { table: name, did: [] }
  throw guardError(
    name,
    `${String(bad['grantee'])} has ${String(bad['privilege'])} on a table without tenants`,
    'Revoke it in the migration',
  )
}

/** Who reads a table reads what inherits from it: neither rights nor policies of that are asked for. */
async function refuseTenantsRows(session: Session, table: GuardedTable): Promise<void> {
  const [found] = await session.query(`WITH RECURSIVE below (oid) AS (
      SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = ${table.oid}
      UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below b ON i.inhparent = b.oid),
    tied (oid, how) AS (
      SELECT oid, 'inherits from it' FROM below
      UNION ALL SELECT confrelid, 'is referred to by its rows' FROM pg_catalog.pg_constraint
        WHERE conrelid = ${table.oid} AND contype = 'f')
    SELECT t.oid::regclass::text AS name, t.how FROM tied t WHERE EXISTS (SELECT FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = t.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) ORDER BY 1 LIMIT 1`)
  if (found === undefined) return
  throw guardError(
    table.name,
    `${String(found['name'])} has rows of tenants and ${String(found['how'])}`,
    "Reference data stands alone; a table of tenants' rows has tenant_id and their guards",
  )
}
