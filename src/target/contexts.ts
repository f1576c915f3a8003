/** A context plan, compiled: statements to enter it, states in which it is missing, columns that tell it. */

import type { ContextClaim, MissingContext, TenantContext } from '../model/context.ts'
import type { Row } from '../model/observation.ts'
import type { ContextPlan, EnterStep, Template } from '../model/target.ts'
import type { Tenant } from '../model/tenant.ts'
import { identifier, literal } from '../sql/identifier.ts'

export function compileContext(plan: ContextPlan): TenantContext {
  const set = plan.scope === 'transaction' ? 'SET LOCAL' : 'SET SESSION'
  const enter = (tenant: Tenant) => plan.enter.map((step) => statementOf(step, tenant, set))
  return {
    plan,
    enter,
    settings: (tenant) =>
      plan.enter.flatMap((step) =>
        step.kind === 'setting' ? [{ name: step.name, value: filled(step.value, tenant) }] : [],
      ),
    bindsBy: (kind) => plan.enter.some((step) => step.kind === kind && namesTenant(step)),
    missing: (tenant, known) => missingOf(plan, enter(tenant), { tenant, known }),
    columns: columnsOf(plan),
    claims: (row, known) => (row === undefined ? [] : claimsIn(plan, row, known)),
  }
}

const place = /\{tenant\.(id|schema|role)\}/g

/** The template with the tenant's values in its places, as they are. */
export function filled(template: Template, tenant: Tenant): string {
  return template.replace(place, (_, name: 'id' | 'schema' | 'role') => tenant[name])
}

function statementOf(step: EnterStep, tenant: Tenant, set: string): string {
  switch (step.kind) {
    case 'setting':
      return `${set} ${step.name} = ${literal(filled(step.value, tenant))}`
    case 'role':
      return `${set} ROLE ${identifier(filled(step.role, tenant))}`
    case 'search_path':
      return `${set} search_path = ${step.path.map((each) => identifier(filled(each, tenant))).join(', ')}`
    case 'call':
      return step.sql.replace(place, (_, name: 'id' | 'schema' | 'role') => literal(tenant[name]))
  }
}

function namesTenant(step: EnterStep): boolean {
  const texts = {
    setting: (each: EnterStep) => (each.kind === 'setting' ? [each.value] : []),
    role: (each: EnterStep) => (each.kind === 'role' ? [each.role] : []),
    search_path: (each: EnterStep) => (each.kind === 'search_path' ? each.path : []),
    call: (each: EnterStep) => (each.kind === 'call' ? [each.sql] : []),
  }[step.kind](step)
  return texts.some((text) => text.search(place) >= 0)
}

interface Asker {
  readonly tenant: Tenant
  readonly known: readonly Tenant[]
}

/** Settings first: policies read them. Where there are none, the path is what can be empty or wrong. */
function missingOf(
  plan: ContextPlan,
  entered: readonly string[],
  { tenant, known }: Asker,
): readonly MissingContext[] {
  const always: readonly MissingContext[] = [
    { state: 'never set', prelude: [], freshSession: true },
    { state: 'set and committed', prelude: [...entered, 'COMMIT', 'BEGIN'], freshSession: false },
  ]
  const path = plan.enter.some((step) => step.kind === 'search_path' && namesTenant(step))
  if (path) return [...always, ...wrongly('search_path', wrongPaths(tenant))]
  const setting = plan.enter.find((step) => step.kind === 'setting' && namesTenant(step))
  if (setting?.kind !== 'setting') return always
  const ids = new Set(known.map((each) => filled(setting.value, each)))
  const nearly = nearMisses(filled(setting.value, tenant)).filter((value) => !ids.has(value))
  return [...always, ...wrongly(setting.name, nearly)]
}

/** By function call, which takes any value: SET has a grammar of its own for some. */
function wrongly(name: string, values: readonly string[]): readonly MissingContext[] {
  return ['', ...values].map((value) => ({
    state: value === '' ? ('empty' as const) : ('malformed' as const),
    freshSession: false,
    prelude: [`SELECT set_config(${literal(name)}, ${literal(value)}, true)`],
  }))
}

function wrongPaths({ schema }: Tenant): readonly string[] {
  return [schema, `${schema}, public`, 'no_such_schema', '"$user", public', '*']
}

/** Near misses of a tenant's id: pattern, padding, case, prefix, list, null byte stand-ins. */
function nearMisses(id: string): readonly string[] {
  const values = ['%', '*', ' ', `${id} `, ` ${id}`, `${id}%`, id.slice(0, -1), `${id},*`]
  return [...values, 'null', '0', id.toUpperCase(), `' OR '1'='1`].filter((value) => value !== '')
}

/** Of each step that names a tenant: what the server answers, and what it would answer for the tenant. */
function columnsOf({ enter }: ContextPlan): string {
  const settings = enter.flatMap((step, index) =>
    step.kind === 'setting'
      ? [`current_setting(${literal(step.name)}, true) AS context_setting_${index}`]
      : [],
  )
  return [
    'pg_backend_pid() AS pid',
    ...settings,
    'current_user::text AS context_role',
    "array_to_string(current_schemas(false), ' ') AS context_path",
  ].join(', ')
}

function claimsIn(
  { enter }: ContextPlan,
  row: Row,
  known: readonly Tenant[],
): readonly ContextClaim[] {
  const path = new Set(String(row['context_path'] ?? '').split(' '))
  return enter.flatMap((step, index) => {
    if (!namesTenant(step)) return []
    const named = known.filter((tenant) => {
      if (step.kind === 'setting')
        return row[`context_setting_${index}`] === filled(step.value, tenant)
      if (step.kind === 'role') return row['context_role'] === filled(step.role, tenant)
      if (step.kind !== 'search_path') return false
      return step.path.some((each) => each.search(place) >= 0 && path.has(filled(each, tenant)))
    })
    const by =
      step.kind === 'setting' ? step.name : step.kind === 'role' ? 'current_user' : 'search_path'
    return named.map((tenant) => ({ tenant, by }))
  })
}
