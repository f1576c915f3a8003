/** validateRlsPolicies: row security of every tenant-aware table, or the grants of every tenant's schema. */

import { literal } from '../../postgres/identifier.ts'
import { tablesOf } from '../models/index.ts'
import { isTenantAware } from '../models/model.ts'
import { healthCheck, type HealthCheck, type HealthSubject } from './health-check.ts'

/** https://www.postgresql.org/docs/current/ddl-rowsecurity.html */
export async function validateRlsPolicies(subject: HealthSubject): Promise<HealthCheck> {
  return subject.tenancy === 'row-level-security' ? policies(subject) : grants(subject)
}

async function policies(subject: HealthSubject): Promise<HealthCheck> {
  const { admin, roles } = subject
  const tables = await admin.query(`SELECT n.nspname || '.' || c.relname AS name, c.relrowsecurity AS enabled,
    c.relforcerowsecurity AS forced,
      pg_has_role(${literal(roles.app)}, c.relowner, 'MEMBER') AS owned, c.relispartition AS partition
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$)'`)
  const existing = await admin.query(`SELECT schemaname || '.' || tablename AS name, cmd, permissive,
    roles::text AS roles, coalesce(qual, '-') AS qual, coalesce(with_check, '-') AS check FROM pg_policies`)
  const known = new Set(tables.map((row) => row['name']))
  const findings = tablesOf(subject.service)
    .filter((table) => isTenantAware(table) && !known.has(`public.${table.name}`))
    .map((table) => `${table.name}: the table or its tenant_id is missing`)
  for (const table of tables) {
    const name = String(table['name'])
    if (table['enabled'] !== 't') findings.push(`${name}: row security is not enabled`)
    if (table['forced'] !== 't') findings.push(`${name}: row security is not forced`)
    if (table['owned'] === 't') findings.push(`${name}: ${roles.app} owns it or can become its owner`)
    const own = existing.filter((policy) => policy['name'] === name && policy['roles'] !== `{${roles.admin}}`)
    // A partition without any policy denies everybody who names it directly, which is right.
    if (table['partition'] !== 't') {
      for (const command of ['SELECT', 'INSERT', 'UPDATE', 'DELETE']) {
        if (!own.some((policy) => policy['cmd'] === command || policy['cmd'] === 'ALL')) {
          findings.push(`${name}: no policy for ${command}`)
        }
      }
    }
    findings.push(...own.flatMap((policy) => predicateFindings(name, policy)))
  }
  findings.push(...await roleFindings(subject), ...await functionFindings(subject))
  return healthCheck('validateRlsPolicies', findings, { tables: tables.length, policies: existing.length })
}

/** The predicate is the hardened one or the seed's, whole: anything OR-ed to it is found, as USING (true) is. */
function predicateFindings(table: string, policy: Readonly<Record<string, unknown>>): readonly string[] {
  if (policy['permissive'] === 'RESTRICTIVE') return []
  const used = [...(policy['cmd'] === 'INSERT' ? [] : [String(policy['qual'])]),
    ...(policy['check'] === '-' ? [] : [String(policy['check'])])]
  return used.filter((expression) => !isTenantPredicate(expression))
    .map((expression) => `${table}: the policy for ${String(policy['cmd'])} does not compare tenant_id ` +
      `with the context: ${expression.slice(0, 120)}`)
}

/**
 * The hardened predicate on plain and on partitioned tables, as PostgreSQL 14 to 18 print it, and the seed's: whole and
 * nothing else, because whatever is added to it may open it.
 */
const stored = `NULLIF(current_setting('app.current_tenant_id'::text,true),''::text)`
const tenantPredicates = new Set([
  `((tenant_id)::text=(SELECT${stored}AS"nullif"))`,
  `(((tenant_id)::text=ANY(ARRAY[${stored}]))AND((tenant_id)::text=(SELECT${stored}AS"nullif")))`,
  `((tenant_id)::text=${stored})`,
  '((tenant_id)::text=(SELECTcurrent_tenant_id()AScurrent_tenant_id))',
  'check_tenant_access((tenant_id)::text)',
  '((tenant_id)::text=current_tenant_id())',
])

function isTenantPredicate(expression: string): boolean {
  return tenantPredicates.has(expression.replace(/\s+/g, '').replaceAll('public.', ''))
}

async function roleFindings({ admin, roles }: HealthSubject): Promise<readonly string[]> {
  const [role] = await admin.query(`SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = ${literal(roles.app)}`)
  if (role === undefined) return [`${roles.app}: the role does not exist`]
  return [...(role['rolsuper'] === 't' ? [`${roles.app} is a superuser`] : []),
    ...(role['rolbypassrls'] === 't' ? [`${roles.app} has BYPASSRLS`] : [])]
}

async function functionFindings({ admin }: HealthSubject): Promise<readonly string[]> {
  const found = await admin.query(`SELECT proname AS name, prosecdef AS definer, provolatile AS volatile
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      AND proname IN ('current_tenant_id', 'check_tenant_access')`)
  return [
    ...(found.length === 2 ? [] : [`${found.length} of the 2 context functions exist`]),
    ...found.filter((row) => row['definer'] === 't' || row['volatile'] === 'v')
      .map((row) => `${String(row['name'])}: SECURITY DEFINER or VOLATILE`),
  ]
}

/** Each tenant's schema is open to its own role, the owner and the reporting role, and to nobody else. */
async function grants({ admin, tenants, roles }: HealthSubject): Promise<HealthCheck> {
  const findings = [...await roleFindings({ admin, roles } as HealthSubject)]
  let schemas = 0
  for (const tenant of tenants) {
    const open = await admin.query(`SELECT coalesce(r.rolname, 'PUBLIC') AS grantee FROM pg_namespace n
      CROSS JOIN LATERAL aclexplode(n.nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
      WHERE n.nspname = ${literal(tenant.schema)}
      UNION SELECT coalesce(r.rolname, 'PUBLIC') FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
      LEFT JOIN pg_roles r ON r.oid = a.grantee
      WHERE c.relnamespace = to_regnamespace(${literal(`"${tenant.schema.replaceAll('"', '""')}"`)})`)
    if (open.length === 0) findings.push(`${tenant.schema}: the schema is missing or open to nobody`)
    else schemas += 1
    findings.push(...open.map((row) => String(row['grantee']))
      .filter((name) => ![tenant.role, roles.owner, roles.admin].includes(name))
      .map((name) => `${tenant.schema}: open to ${name}`))
  }
  return healthCheck('validateRlsPolicies', findings, { schemas })
}
