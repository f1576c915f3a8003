/** validateTenantContextLeaks: what a borrower finds on a connection, new and after every way of ending. */

import { identifier } from '../../sql/identifier.ts'
import { tablesOf } from '../models/index.ts'
import { sqlstateOf } from '../../errors.ts'
import { list, loginsOf } from './application-rights.ts'
import {
  askedTenants,
  healthCheck,
  inTenant,
  type HealthCheck,
  type HealthSubject,
} from './health-check.ts'

const endings = ['commit', 'rollback', 'error'] as const
type Ending = (typeof endings)[number]

/**
 * Needs a pool on which a connection is handed out again: only checkouts by the same backend as the work before count,
 * and without one after each ending the check is not ok.
 */
export async function validateTenantContextLeaks(subject: HealthSubject): Promise<HealthCheck> {
  const findings: string[] = [...(await defaultContexts(subject))]
  const shared: Record<Ending, number> = { commit: 0, rollback: 0, error: 0 }
  const [tenant] = askedTenants(subject)
  if (tenant !== undefined) {
    findings.push(...(await lookAtNext(subject)).left.map((what) => `before any work: ${what}`))
    for (const ending of endings) {
      let before = ''
      const trouble = await inTenant(subject, tenant, async (session) => {
        before = String((await session.query('SELECT pg_backend_pid() AS pid')).rows[0]?.['pid'])
        if (ending === 'rollback') throw new RolledBack()
        if (ending === 'error') await session.query('SELECT 1/0')
      }).then(() => null, troubleOf)
      if (trouble !== null) findings.push(`before ${ending}: ${trouble}`)
      const next = await lookAtNext(subject)
      if (next.pid !== before) continue
      shared[ending] += 1
      findings.push(...next.left.map((what) => `after ${ending}: ${what}`))
    }
  }
  return healthCheck('validateTenantContextLeaks', shared, { findings, unjudged: [] })
}

/**
 * A role or a database can give every new connection a tenant; one that was lent before hides it, because withTenant
 * sets the context of the session too. https://www.postgresql.org/docs/current/catalog-pg-db-role-setting.html
 */
async function defaultContexts(subject: HealthSubject): Promise<readonly string[]> {
  const rows = await subject.admin.query(`SELECT coalesce(r.rolname, 'the database') AS who, setting
    FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) setting
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
    WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
      AND (s.setrole = 0 OR r.rolname IN (${list(await loginsOf(subject))}))
      AND setting ~ '^(app.current_tenant_id|role)=.' AND setting <> 'role=none'`)
  return rows.map(
    ({ who, setting }) =>
      `every new connection starts in a context: ${String(who)} has ${String(setting)}`,
  )
}

class RolledBack extends Error {}
const divisionByZero = '22012'

/** The endings that were wanted are none. @throws what no server said. */
function troubleOf(error: unknown): string | null {
  if (error instanceof RolledBack) return null
  const code = sqlstateOf(error)
  if (code === null) throw error
  return code === divisionByZero ? null : `entering the context of a tenant ended with ${code}`
}

/** Whoever has no context is refused, or under schema-per-tenant finds no table of that name. */
const refusals = ['42501', '42P01']

async function lookAtNext({
  pool,
  service,
}: HealthSubject): Promise<{ pid: string; left: readonly string[] }> {
  const client = await pool.connect()
  const left: string[] = []
  let pid = ''
  try {
    // Only inside of a transaction is a savepoint allowed.
    const inside = await client.query('SAVEPOINT outside').then(
      () => 'an open',
      (error: unknown) => {
        if (sqlstateOf(error) === '25P01') return null
        if (sqlstateOf(error) === '25P02') return 'a failed'
        throw error
      },
    )
    if (inside !== null) left.push(`it is in ${inside} transaction of somebody else`)
    if (inside === 'a failed') await client.query('ROLLBACK')
    const {
      rows: [row],
    } = await client.query(`SELECT pg_backend_pid() AS pid, current_user = session_user AS own,
      coalesce(current_setting('app.current_tenant_id', true), '') AS tenant`)
    pid = String(row?.['pid'])
    if (row?.['tenant'] !== '') left.push("the tenant's context is still set")
    if (row?.['own'] !== true && row?.['own'] !== 't') left.push("the tenant's role is still set")
    for (const { name } of tablesOf(service).filter(({ placement }) => placement === 'tenant')) {
      const seen = await client.query(`SELECT 1 FROM ${identifier(name)} LIMIT 1`).then(
        ({ rows }) => (rows.length > 0 ? `rows of ${name} are visible without a context` : null),
        (error: unknown) => {
          const code = sqlstateOf(error)
          if (code === null) throw error
          return refusals.includes(code)
            ? null
            : `reading ${name} without a context ended with ${code}`
        },
      )
      if (seen !== null) left.push(seen)
    }
    return { pid, left }
  } finally {
    client.release()
  }
}
