/** validateTenantContextLeaks: what the next borrower of a connection finds, after every way of ending. */

import { identifier } from '../../postgres/identifier.ts'
import { tablesOf } from '../models/index.ts'
import { inTenant, strategyOf } from '../tenant-work.ts'
import { healthCheck, type HealthCheck, type HealthSubject } from './health-check.ts'

const endings = ['commit', 'rollback', 'error'] as const

/**
 * Needs a pool on which a connection is handed out again: checkouts by the same backend as the work before are what
 * counts; with none of them, the check is not ok.
 */
export async function validateTenantContextLeaks(subject: HealthSubject): Promise<HealthCheck> {
  const findings: string[] = []
  const counts = { endings: 0, sameBackend: 0 }
  const [tenant] = subject.tenants
  for (const ending of tenant === undefined ? [] : endings) {
    if (tenant === undefined) break
    counts.endings += 1
    let before = ''
    await inTenant(subject.pool, { tenant, strategy: subject.strategy ?? strategyOf(subject.tenancy) },
      async (session) => {
        before = String((await session.query('SELECT pg_backend_pid() AS pid')).rows[0]?.['pid'])
        if (ending === 'rollback') throw new Error(ending)
        if (ending === 'error') await session.query('SELECT 1/0')
      }).catch((error: unknown) => { if (ending === 'commit') throw error })
    const next = await lookAtNext(subject)
    if (next.pid !== before) continue
    counts.sameBackend += 1
    findings.push(...next.left.map((what) => `after ${ending}: ${what}`))
  }
  return healthCheck('validateTenantContextLeaks', findings, counts)
}

async function lookAtNext(subject: HealthSubject): Promise<{ pid: string; left: readonly string[] }> {
  const client = await subject.pool.connect()
  try {
    const { rows: [row] } = await client.query(`SELECT pg_backend_pid() AS pid, current_user = session_user AS own,
      coalesce(current_setting('app.current_tenant_id', true), '') AS tenant`)
    const left: string[] = []
    if (row?.['tenant'] !== '') left.push('the tenant\'s context is still set')
    if (row?.['own'] !== true && row?.['own'] !== 't') left.push('the tenant\'s role is still set')
    const table = tablesOf(subject.service).find((each) => each.placement === 'tenant')
    if (table !== undefined) {
      const seen = await client.query(`SELECT 1 FROM ${identifier(table.name)} LIMIT 1`).catch(() => ({ rows: [] }))
      if (seen.rows.length > 0) left.push(`rows of ${table.name} are visible without a context`)
    }
    return { pid: String(row?.['pid']), left }
  } finally {
    client.release()
  }
}
