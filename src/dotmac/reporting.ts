/** Reports over all tenants: for the reporting role alone, which reads and can do nothing else. */

import { WatertightError } from '../errors.ts'
import type { StrategyPool } from '../model/context-strategy.ts'

export interface ReportingPools {
  /** The ISP database, as the reporting role's login (dotmac_admin). */
  readonly isp: Pick<StrategyPool, 'connect'>
}

const reports: Readonly<Record<string, string>> = {
  tenants: `SELECT t.tenant_id, t.name, t.status, (SELECT count(*) FROM isp_customers c
    WHERE c.tenant_id = t.tenant_id)::int AS customers FROM isp_tenants t ORDER BY t.tenant_id`,
  revenue: `SELECT tenant_id, count(*)::int AS invoices, sum(total)::text AS invoiced,
    sum(total) FILTER (WHERE status = 'overdue')::text AS overdue
    FROM isp_billing_invoices GROUP BY tenant_id ORDER BY tenant_id`,
  usage: `SELECT tenant_id, sum(bytes_total)::text AS bytes_total, max(day)::text AS last_day
    FROM isp_analytics_daily GROUP BY tenant_id ORDER BY tenant_id`,
}

/** Names of the reports. */
export const reportNames: readonly string[] = Object.keys(reports)

/**
 * Runs a report by name, in a read-only transaction.
 * @throws WatertightError WATERTIGHT_NOT_FOUND for another name, WATERTIGHT_NOT_REPORTING when the login is subject to
 *   the tenants' policies: a report that sees nothing must not look like one over nothing.
 */
export function reporter({ isp }: ReportingPools): (name: string) => Promise<readonly Record<string, unknown>[]> {
  return async (name) => {
    const sql = Object.hasOwn(reports, name) ? reports[name] : undefined
    if (sql === undefined) {
      throw new WatertightError('WATERTIGHT_NOT_FOUND', 'There is no such thing', {
        hint: `Reports are ${reportNames.join(', ')}` })
    }
    const client = await isp.connect()
    let broken: boolean | Error = true
    try {
      await client.query('BEGIN TRANSACTION READ ONLY')
      await refuseOthers(client)
      const { rows } = await client.query(sql)
      await client.query('COMMIT')
      broken = false
      return rows
    } finally {
      // A connection whose transaction is still open is not lent again.
      client.release(broken)
    }
  }
}

/** The policy tenant_reporting_select is what makes the role the reporting one. */
async function refuseOthers(client: { query(sql: string): Promise<{ rows: readonly Record<string, unknown>[] }> }) {
  const { rows: [row] } = await client.query(`SELECT EXISTS (SELECT FROM pg_catalog.pg_policies
    WHERE policyname = 'tenant_reporting_select' AND tablename = 'isp_billing_invoices'
    AND current_user = ANY (roles)) AS reporting`)
  if (row?.['reporting'] === 't' || row?.['reporting'] === true) return
  throw new WatertightError('WATERTIGHT_NOT_REPORTING', 'The login of the reporting pool is not the reporting role', {
    hint: 'Give the service a pool of dotmac_admin for its reports' })
}
