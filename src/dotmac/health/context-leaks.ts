/** validateTenantContextLeaks: what the next borrower of a connection finds, after every way of ending. */

import { identifier } from '../../postgres/identifier.ts'
import { tablesOf } from '../models/index.ts'
import { sqlstateOf } from '../../errors.ts'
import { healthCheck, inTenant, type HealthCheck, type HealthSubject } from './health-check.ts'

const endings = ['commit', 'rollback', 'error'] as const

/**
 * Needs a pool on which a connection is handed out again: only checkouts by the same backend as the work before count,
 * and without one after each ending the check is not ok.
 */
export async function validateTenantContextLeaks(subject: HealthSubject): Promise<HealthCheck> {
  const findings: string[] = []
  const shared: Record<(typeof endings)[number], number> = { commit: 0, rollback: 0, error: 0 }
  const [tenant] = subject.tenants
  for (const ending of tenant === undefined ? [] : endings) {
    if (tenant === undefined) break
    let before = ''
    await inTenant(subject, tenant, async (session) => {
      before = String((await session.query('SELECT pg_backend_pid() AS pid')).rows[0]?.['pid'])
      if (ending === 'rollback') throw new RolledBack()
      if (ending === 'error') await session.query('SELECT 1/0')
    }).catch((error: unknown) => {
      if (!(error instanceof RolledBack) && sqlstateOf(error) !== divisionByZero) throw error
    })
    const next = await lookAtNext(subject)
    if (next.pid !== before) continue
    shared[ending] += 1
    findings.push(...next.left.map((what) => `after ${ending}: ${what}`))
  }
  return healthCheck('validateTenantContextLeaks', findings, shared)
}

class RolledBack extends Error {}
const divisionByZero = '22012'

/** Whoever has no context is refused, or under schema-per-tenant finds no table of that name. */
const refusals = ['42501', '42P01']

async function lookAtNext({ pool, service }: HealthSubject): Promise<{ pid: string; left: readonly string[] }> {
  const client = await pool.connect()
  try {
    const { rows: [row] } = await client.query(`SELECT pg_backend_pid() AS pid, current_user = session_user AS own,
      coalesce(current_setting('app.current_tenant_id', true), '') AS tenant`)
    const left: string[] = []
    if (row?.['tenant'] !== '') left.push('the tenant\'s context is still set')
    if (row?.['own'] !== true && row?.['own'] !== 't') left.push('the tenant\'s role is still set')
    for (const { name } of tablesOf(service).filter(({ placement }) => placement === 'tenant')) {
      const seen = await client.query(`SELECT 1 FROM ${identifier(name)} LIMIT 1`).catch((error: unknown) => {
        if (!refusals.includes(sqlstateOf(error) ?? '')) throw error
        return { rows: [] }
      })
      if (seen.rows.length > 0) left.push(`rows of ${name} are visible without a context`)
    }
    return { pid: String(row?.['pid']), left }
  } finally {
    client.release()
  }
}
