/** Keys are checked beneath row security: one that lacks the tenant tells of, or binds to, another tenant's row. */

import type { HealthSubject } from './health-check.ts'

/**
 * Under schema-per-tenant every key is within a schema of one tenant, and keys into another one are found by what
 * reaches out of a schema. https://www.postgresql.org/docs/current/ddl-rowsecurity.html
 */
export async function tenantKeys({
  admin,
  tenancy,
}: HealthSubject): Promise<{ readonly keys: number; readonly findings: readonly string[] }> {
  if (tenancy === 'schema-per-tenant') return { keys: 0, findings: [] }
  const tenantAware = `tenant_aware AS (SELECT c.oid, a.attnum, n.nspname || '.' || c.relname AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$)')`
  const unique = await admin.query(`WITH ${tenantAware} SELECT t.name AS table, c.relname AS key,
      t.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) AS has_tenant
    FROM pg_index i JOIN tenant_aware t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indisunique OR i.indisexclusion ORDER BY 1, 2`)
  const foreign =
    await admin.query(`WITH ${tenantAware} SELECT t.name AS table, k.conname AS key, o.name AS other,
      EXISTS (SELECT FROM unnest(k.conkey, k.confkey) pair (own, referenced)
        WHERE own = t.attnum AND referenced = o.attnum) AS has_tenant
    FROM pg_constraint k JOIN tenant_aware t ON t.oid = k.conrelid JOIN tenant_aware o ON o.oid = k.confrelid
    WHERE k.contype = 'f' ORDER BY 1, 2`)
  return {
    keys: unique.length + foreign.length,
    findings: [
      ...unique
        .filter((row) => row['has_tenant'] !== 't')
        .map(
          (row) =>
            `${String(row['table'])}: the key ` +
            `${String(row['key'])} is unique without tenant_id, so it tells of other tenants' rows`,
        ),
      ...foreign
        .filter((row) => row['has_tenant'] !== 't')
        .map(
          (row) =>
            `${String(row['table'])}: the foreign key ` +
            `${String(row['key'])} to ${String(row['other'])} does not contain tenant_id`,
        ),
    ],
  }
}
