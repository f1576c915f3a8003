/** Functions that run with other rights or in another context: they are read, never called, on a live platform. */

import { list } from './application-rights.ts'
import type { Found, HealthSubject } from './health-check.ts'

/**
 * A finding when the caller's search_path decides what it runs; unjudged when its owner is not bound by what keeps
 * tenants apart, because only calling it shows what it answers.
 * https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY
 */
export async function definerFunctions(
  subject: HealthSubject,
  logins: readonly string[],
): Promise<Found> {
  const { admin, tenancy, tenants } = subject
  const isShared = tenancy === 'row-level-security'
  const callers = isShared ? logins : [...logins, ...tenants.map(({ role }) => role)]
  const rows = await admin.query(`SELECT p.oid::regprocedure::text AS name, o.rolname AS owner,
      p.prosqlbody IS NOT NULL OR EXISTS (SELECT FROM unnest(p.proconfig) setting
        WHERE setting ~ '^search_path=("")?$' OR setting ~ '^search_path=(.*[ ,])?"?pg_temp"?$') AS pinned,
      o.rolsuper OR o.rolbypassrls OR EXISTS (SELECT FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        AND a.attname = 'tenant_id' WHERE c.relowner = o.oid AND c.relkind IN ('r', 'p')
          AND NOT (c.relrowsecurity AND c.relforcerowsecurity)) AS unbound,
      p.prosecdef AS definer
    FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE (p.prosecdef OR ${setsContext}) AND n.nspname !~ '^(pg_|information_schema$)'
      AND (EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid) OR EXISTS (SELECT FROM pg_roles w
        WHERE w.rolname IN (${list(callers)}) AND has_schema_privilege(w.oid, n.oid, 'USAGE')
          AND has_function_privilege(w.oid, p.oid, 'EXECUTE')))
    ORDER BY 1`)
  const own = new Set(tenants.map(({ role }) => role))
  const definers = rows.filter((row) => row['definer'] === 't')
  return {
    findings: definers
      .filter((row) => row['pinned'] !== 't')
      .map(
        (row) =>
          `${String(row['name'])}: runs with the rights of ${String(row['owner'])} ` +
          "by the caller's search_path (pin it, with pg_temp last)",
      ),
    unjudged: [
      ...definers
        .filter(
          (row) =>
            row['pinned'] === 't' &&
            (isShared ? row['unbound'] === 't' : !own.has(String(row['owner']))),
        )
        .map(
          (row) =>
            `${String(row['name'])}: runs with the rights of ` +
            `${String(row['owner'])}, which no policy binds; ${uncalled}`,
        ),
      ...rows
        .filter((row) => row['definer'] !== 't')
        .map((row) => `${String(row['name'])}: sets the tenant's context itself; ${uncalled}`),
    ],
  }
}

const uncalled =
  'health calls no function: read it, or plant its text as a mutant (watertight prove --mutants)'

/** The body as text, or as it was parsed. */
const setsContext = `(CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) ELSE '' END
  ~* '(set_config\\s*\\(\\s*''app\\.current_tenant_id|set\\s+((local|session)\\s+)?"?app"?\\."?current_tenant_id)')`
