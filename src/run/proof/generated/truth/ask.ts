/** Asks a question as the application would, and as an experiment: with what is others', and without it. */

import type { Attempt, Statement } from '../../../../model/observation.ts'
import type { Tenant, TenantId } from '../../../../model/tenant.ts'
import { identifier, literal, qualified } from '../../../../sql/identifier.ts'
import type { Session } from '../../../../postgres/session/session.ts'
import { tenancyOf } from '../../../../reference/tenancies/index.ts'
import { compileContext } from '../../../../target/contexts.ts'
import type { Question } from './questions.ts'
import type { Subject } from './subject.ts'

/** Somebody who asks: a tenant in its context, or nobody in one of the ways to have none. */
export interface Context {
  readonly name: string
  readonly tenant: Tenant | null
  readonly role: string
  readonly enter: readonly string[]
  readonly freshSession: boolean
  readonly casts: boolean
}

/** Tenants that ask views with casts as well. */
const castersMax = 2

export function contextsOf({ site, id }: Pick<Subject, 'site' | 'id'>): readonly Context[] {
  const bound = compileContext(tenancyOf(id.tenancy).context)
  const { app } = site.namespace.roles
  const [first] = site.tenants
  return [
    ...site.tenants.map((tenant, index) => ({
      ...contextOf({ id, site }, tenant),
      casts: index < castersMax,
    })),
    ...(first === undefined ? [] : bound.missing(first, site.tenants)).map(
      ({ state, prelude, freshSession }, index) => ({
        name: `${state}: ${prelude.join('; ')}`,
        tenant: null,
        role: app,
        enter: prelude,
        freshSession,
        casts: index === 0,
      }),
    ),
  ]
}

export function contextOf({ site, id }: Pick<Subject, 'site' | 'id'>, tenant: Tenant): Context {
  return {
    name: tenant.id,
    tenant,
    role: id.tenancy === 'schema-per-tenant' ? tenant.role : site.namespace.roles.app,
    enter: compileContext(tenancyOf(id.tenancy).context).enter(tenant),
    freshSession: false,
    casts: false,
  }
}

/** What was seen, as one text; null when the question could not be put at all. */
export type Answer = string | null

/** In a session of the application; every question is a transaction of its own that is rolled back. */
export async function askAsLogin(
  session: Session,
  { enter }: Context,
  question: Question,
): Promise<Answer> {
  return answerOf(
    await session.attempt([...enter.map(context), ...question.statements.map(attack)]),
  )
}

export interface Experiment {
  /** What the administrator does first. */
  readonly prepare?: readonly string[]
  /** What the administrator asks afterwards, before everything is rolled back. */
  readonly then?: string
}

/** In a transaction of the administrator, who becomes the application for the question itself; deferred checks fire. */
export async function askInside(
  { admin, site }: Subject,
  { asker, question }: { readonly asker: Context; readonly question: Question },
  { prepare = [], then }: Experiment = {},
): Promise<{ readonly answer: Answer; readonly attempt: Attempt }> {
  const attempt = await admin.attempt([
    ...(prepare.length === 0 ? [] : [quietly, ...prepare, loudly].map(context)),
    context(`SET LOCAL SESSION AUTHORIZATION ${identifier(site.namespace.roles.app)}`),
    ...asker.enter.map(context),
    ...question.statements.map(attack),
    ...(question.writes
      ? [{ sql: 'SET CONSTRAINTS ALL IMMEDIATE', role: 'comparison' as const }]
      : []),
    ...(then === undefined
      ? []
      : [...backAgain.map(context), { sql: then, role: 'proof' as const }]),
  ])
  return { answer: answerOf(attempt, question.writes), attempt }
}

/** The administrator again, on the path under which its statements were prepared. */
const backAgain = [
  'RESET ROLE',
  'RESET SESSION AUTHORIZATION',
  'SET LOCAL search_path = pg_catalog',
]
const quietly = 'SET LOCAL session_replication_role = replica'
const loudly = 'SET LOCAL session_replication_role = origin'
const context = (sql: string): Statement => ({ sql, role: 'context' })
const attack = (sql: string): Statement => ({ sql, role: 'attack' })

/** Messages of a write name times and new ids, so that only its SQLSTATE says something. */
function answerOf({ steps }: Attempt, writes = false): Answer {
  const failed = steps.find(({ observation }) => observation.kind !== 'rows')
  if (failed !== undefined && failed.observation.kind !== 'rows') {
    if (failed.role === 'context') return null
    const { sqlstate, message } = failed.observation
    // A limit or a lost connection is no answer of the database.
    if (sqlstate === null || /^(08|53|54|57)/.test(sqlstate)) throw new Error(message)
    return writes || sqlstate === '42501' ? `refused ${sqlstate}` : `error ${sqlstate} ${message}`
  }
  const last = steps.findLast(({ role }) => role === 'attack')?.observation
  if (last?.kind !== 'rows') return null
  const said = last.rows[0]?.['answer']
  return said === undefined ? `${String(last.affected)} affected` : String(said)
}

/** Takes away every row that is not the tenant's, and what was summed up from them; everybody's for null. */
export function othersRemoved(subject: Subject, keep: TenantId | null): readonly string[] {
  const stored = subject.relations.filter(({ isPartition }) => !isPartition)
  return [
    ...stored
      .filter(({ kind }) => kind === 'r' || kind === 'p')
      .flatMap((relation) => {
        const { owned } = relation
        if (owned === null || ('tenant' in owned && owned.tenant === keep)) return []
        const others =
          'column' in owned && keep !== null
            ? ` WHERE ${identifier(owned.column)} IS DISTINCT FROM ${literal(keep)}`
            : ''
        return [`DELETE FROM ${qualified(relation)}${others}`]
      }),
    ...stored
      .filter(
        ({ kind, owned }) =>
          kind === 'm' && !(owned !== null && 'tenant' in owned && owned.tenant === keep),
      )
      .map((relation) => `REFRESH MATERIALIZED VIEW ${qualified(relation)}`),
  ]
}

/** Asks for the state, once `prepareState` was called. */
export const stateSql = 'EXECUTE generated_state'

/** Every table's rows by owner, as numbers that change when a row does; planned once, for it is asked often. */
export async function prepareState({ admin, relations }: Subject): Promise<void> {
  const sql = relations
    .filter(({ kind, isPartition }) => (kind === 'r' || kind === 'p') && !isPartition)
    .map((relation) => {
      const { owned } = relation
      const owner =
        owned === null
          ? `''`
          : 'tenant' in owned
            ? literal(owned.tenant)
            : `coalesce(t.${identifier(owned.column)}::text, '')`
      return `SELECT ${literal(qualified(relation))} AS relation, ${owner} AS owner,
        count(*)::text || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0)::text AS rows
        FROM ${qualified(relation)} t GROUP BY 2`
    })
    .join('\nUNION ALL ')
  await admin.query(`SET search_path = pg_catalog; SET plan_cache_mode = force_generic_plan`)
  await admin.query(`PREPARE generated_state AS ${sql}`)
}
