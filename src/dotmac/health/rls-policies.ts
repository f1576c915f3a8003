/** validateRlsPolicies: row security of every tenant-aware table, or the grants of every tenant's schema. */

import { sqlstateOf } from '../../errors.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { tablesOf } from '../models/index.ts'
import { isTenantAware } from '../models/model.ts'
import { loginsOf, rightsOf } from './application-rights.ts'
import { definerFunctions } from './definer-functions.ts'
import {
  healthCheck,
  together,
  type Found,
  type HealthCheck,
  type HealthSubject,
} from './health-check.ts'
import { schemaGrants } from './schema-grants.ts'
import { isTenantPredicate } from './tenant-predicate.ts'

/** https://www.postgresql.org/docs/current/ddl-rowsecurity.html */
export async function validateRlsPolicies(subject: HealthSubject): Promise<HealthCheck> {
  const logins = await loginsOf(subject)
  const both = [await rightsOf(subject, logins), await definerFunctions(subject, logins)]
  const { lookedAt, ...found } =
    subject.tenancy === 'row-level-security'
      ? await policies(subject, logins)
      : await schemaGrants(subject, logins)
  const without = { findings: [], unjudged: subject.without ?? [] }
  return healthCheck('validateRlsPolicies', lookedAt, together(found, ...both, without))
}

interface Table {
  readonly name: string
  readonly quoted: string
  readonly isPartition: boolean
  /** Commands that a login of the application may use on it. */
  readonly commands: readonly string[]
}

interface Policy {
  readonly table: string
  readonly name: string
  readonly command: string
  readonly isPermissive: boolean
  /** It asks other tables or functions, which answer the reporting role otherwise than the application. */
  readonly asksOthers: boolean
  readonly using: string | null
  readonly check: string | null
}

async function policies(
  subject: HealthSubject,
  logins: readonly string[],
): Promise<Found & Pick<HealthCheck, 'lookedAt'>> {
  const { admin, service } = subject
  const rows = await admin.query(tablesSql(logins))
  const known = new Set(rows.map((row) => row['name']))
  const findings = [
    ...tablesOf(service)
      .filter((table) => isTenantAware(table) && !known.has(`public.${table.name}`))
      .map((table) => `${table.name}: the table or its tenant_id is missing`),
    ...rows.flatMap((row) => [
      ...(row['enabled'] === 't' ? [] : [`${String(row['name'])}: row security is not enabled`]),
      ...(row['forced'] === 't' ? [] : [`${String(row['name'])}: row security is not forced`]),
    ]),
    ...(await contextFunctions(subject)),
  ]
  const existing = (await admin.query(policiesSql(logins))).map(policyOf)
  const tables = rows.map((row): Table => ({
    name: String(row['name']),
    quoted: String(row['quoted']),
    isPartition: row['partition'] === 't',
    commands: String(row['commands'])
      .split(' ')
      .filter((command) => command !== ''),
  }))
  const judged: Found[] = []
  for (const table of tables) {
    judged.push(
      await judgeTable(
        subject,
        table,
        existing.filter((policy) => policy.table === table.name),
      ),
    )
  }
  return {
    ...together({ findings, unjudged: [] }, ...judged),
    lookedAt: { tables: tables.length, policies: existing.length },
  }
}

/** https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-ACCESS */
function tablesSql(logins: readonly string[]): string {
  const commands = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']
  return `SELECT format('%s.%s', n.nspname, c.relname) AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
      c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced, c.relispartition AS partition,
      (SELECT coalesce(string_agg(command, ' '), '') FROM unnest(ARRAY[${commands.map(literal).join(', ')}]) command
        WHERE EXISTS (SELECT FROM pg_roles w WHERE w.rolname IN (${logins.map(literal).join(', ')})
          AND has_schema_privilege(w.oid, n.oid, 'USAGE') AND CASE command
            WHEN 'DELETE' THEN has_table_privilege(w.oid, c.oid, command)
            ELSE has_any_column_privilege(w.oid, c.oid, command) END)) AS commands
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$)' ORDER BY 1`
}

/** Those that bind a login of the application; one for the reporting role alone is none of its. */
function policiesSql(logins: readonly string[]): string {
  return `SELECT format('%s.%s', n.nspname, c.relname) AS table, p.polname AS name, p.polpermissive AS permissive,
      CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
        ELSE 'ALL' END AS command,
      EXISTS (SELECT FROM pg_depend d LEFT JOIN pg_proc f ON d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid
        WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
          AND (d.refclassid = 'pg_class'::regclass AND d.refobjid <> p.polrelid
            OR f.proname NOT IN ('current_tenant_id', 'check_tenant_access'))) AS asks,
      pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS check
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE EXISTS (SELECT FROM unnest(p.polroles) role, pg_roles w WHERE w.rolname IN (
      ${logins.map(literal).join(', ')}) AND (role = 0 OR pg_has_role(w.oid, role, 'USAGE')))`
}

function policyOf(row: Readonly<Record<string, unknown>>): Policy {
  const text = (key: string) => (row[key] === null ? null : String(row[key]))
  return {
    table: String(row['table']),
    name: String(row['name']),
    command: String(row['command']),
    isPermissive: row['permissive'] === 't',
    asksOthers: row['asks'] === 't',
    using: text('using'),
    check: text('check'),
  }
}

/**
 * Permissive policies are OR-ed, so each must compare the tenant, unless a restrictive one does. A command that no
 * permissive policy allows is denied, which is right only for a partition that is named directly.
 */
async function judgeTable(
  subject: HealthSubject,
  table: Table,
  own: readonly Policy[],
): Promise<Found> {
  const findings: string[] = []
  const strange = new Map<string, readonly Policy[]>()
  for (const command of table.commands) {
    const applying = own.filter((policy) => policy.command === command || policy.command === 'ALL')
    const permissive = applying.filter((policy) => policy.isPermissive)
    if (permissive.length === 0 && !table.isPartition)
      findings.push(`${table.name}: no policy for ${command}`)
    for (const part of partsOf(command)) {
      const of = (policy: Policy) => expressionOf(policy, part)
      if (applying.some((policy) => !policy.isPermissive && isTenantPredicate(of(policy)))) continue
      for (const policy of permissive.filter((each) => !isTenantPredicate(of(each)))) {
        strange.set(of(policy), [...(strange.get(of(policy)) ?? []), policy])
      }
    }
  }
  // A restrictive policy can only hide, but what it hides may be the tenant's own.
  const narrowing = own
    .filter((policy) => !policy.isPermissive)
    .filter(({ using, check }) =>
      [using, check].some((each) => each !== null && !isTenantPredicate(each)),
    )
    .map(
      ({ name }) =>
        `${table.name}: the restrictive policy ${name} hides rows, perhaps a tenant's own`,
    )
  const judged: Found[] = [{ findings, unjudged: narrowing }]
  for (const [expression, [policy]] of strange) {
    const what = `${table.name}: the policy ${policy?.name ?? ''} for ${policy?.command ?? ''}`
    const asksOthers = policy?.asksOthers === true
    judged.push(await tryExpression(subject, { at: table.quoted, expression, what, asksOthers }))
  }
  return together(...judged)
}

/** What rows a command sees, and what rows it writes. */
function partsOf(command: string): readonly ('using' | 'check')[] {
  if (command === 'UPDATE') return ['using', 'check']
  return command === 'INSERT' ? ['check'] : ['using']
}

function expressionOf({ using, check }: Policy, part: 'using' | 'check'): string {
  return (part === 'check' ? (check ?? using) : using) ?? 'true'
}

interface Strange extends Pick<Policy, 'asksOthers'> {
  readonly at: string
  readonly expression: string
  readonly what: string
}

/**
 * An expression that is not one of the known ones is tried on the rows that are there, as the reporting role, which
 * sees all of them: one that lets a foreign row through is a finding, and about others nothing is claimed.
 */
async function tryExpression(
  { admin, roles, tenants }: HealthSubject,
  { at, expression, what, asksOthers }: Strange,
): Promise<Found> {
  const shown = expression.replace(/\s+/g, ' ').slice(0, 120)
  if (expression === 'true') return { findings: [`${what} is always true`], unjudged: [] }
  if (asksOthers) {
    return {
      findings: [],
      unjudged: [`${what} is none that is known, and asks other tables or functions: ${shown}`],
    }
  }
  try {
    await admin.query('BEGIN READ ONLY')
    await admin.query(`SET LOCAL statement_timeout = '10s'; SET LOCAL search_path = public`)
    await admin.query(`SET LOCAL ROLE ${identifier(roles.admin)}`)
    for (const context of contextsLike(tenants[0]?.id ?? '')) {
      await admin.query(`SELECT set_config('app.current_tenant_id', ${literal(context)}, true)`)
      const rows = await admin.query(`SELECT 1 FROM ${at} WHERE (${expression})
        AND tenant_id IS DISTINCT FROM ${literal(context)} LIMIT 1`)
      if (rows.length > 0) {
        const opens =
          context === ''
            ? 'lets rows through without a tenant'
            : 'lets rows of another tenant through'
        return { findings: [`${what} ${opens}: ${shown}`], unjudged: [] }
      }
    }
    return {
      findings: [],
      unjudged: [
        `${what} is none that is known, and lets no foreign row through that is ` +
          `there: ${shown}`,
      ],
    }
  } catch (error) {
    const code = sqlstateOf(error)
    if (code === null) throw error
    return {
      findings: [],
      unjudged: [`${what} is none that is known, and trying it ended with ${code}: ${shown}`],
    }
  } finally {
    await admin.query('ROLLBACK')
  }
}

/** A tenant, none, and what is taken for a tenant where ids are patterns, folded, cut or trimmed. */
function contextsLike(id: string): readonly string[] {
  return [
    ...new Set([
      id,
      '',
      '%',
      '.*',
      `${id} `,
      ` ${id}`,
      id.toUpperCase(),
      id.slice(0, -1),
      id.slice(1),
      `${id}x`,
    ]),
  ]
}

async function contextFunctions({ admin }: HealthSubject): Promise<readonly string[]> {
  const found =
    await admin.query(`SELECT proname AS name, prosecdef AS definer, provolatile AS volatile
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      AND proname IN ('current_tenant_id', 'check_tenant_access')`)
  return [
    ...(found.length === 2 ? [] : [`${found.length} of the 2 context functions exist`]),
    ...found
      .filter((row) => row['definer'] === 't' || row['volatile'] === 'v')
      .map((row) => `${String(row['name'])}: SECURITY DEFINER or VOLATILE`),
  ]
}
