/** Reports over all tenants: for the reporting role alone, which reads and can do nothing else. */

import { WatertightError } from '../errors.ts'
import type { StrategyPool } from '../model/context-strategy.ts'
import type { TenancyName } from '../model/tenancy.ts'
import { identifier } from '../postgres/identifier.ts'
import { controlSchema } from './schema-manager.ts'

export interface ReportingPools {
  /** The ISP database, as the reporting role's login (dotmac_admin). */
  readonly isp: Pick<StrategyPool, 'connect'>
  /** Default row-level-security. */
  readonly tenancy?: TenancyName
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
 * Runs a report by name, read-only: in one transaction, under schema-per-tenant in one for each tenant, because a
 * thousand schemas are more locks than a server has.
 * @throws WatertightError WATERTIGHT_NOT_FOUND for another name, WATERTIGHT_NOT_REPORTING when the login is subject to
 *   the tenants' policies or may not enter their schemas: a report that sees nothing must not look like one over
 *   nothing.
 */
export function reporter(
  { isp, tenancy = 'row-level-security' }: ReportingPools,
): (name: string) => Promise<readonly Report[]> {
  return async (name) => {
    const sql = Object.hasOwn(reports, name) ? reports[name] : undefined
    if (sql === undefined) {
      throw new WatertightError('WATERTIGHT_NOT_FOUND', 'There is no such thing', {
        hint: `Reports are ${reportNames.join(', ')}` })
    }
    const client = await isp.connect()
    let broken: boolean | Error = true
    try {
      const rows = tenancy === 'row-level-security' ? await overTables(client, sql) : await overSchemas(client, sql)
      broken = false
      return rows
    } finally {
      // A connection whose transaction is still open is not lent again.
      client.release(broken)
    }
  }
}

type Report = Readonly<Record<string, unknown>>
interface Client { query(sql: string): Promise<{ rows: readonly Report[] }> }

async function readOnly<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN TRANSACTION READ ONLY')
  const value = await work()
  await client.query('COMMIT')
  return value
}

/** The policy tenant_reporting_select is what makes the role the reporting one. */
function overTables(client: Client, sql: string): Promise<readonly Report[]> {
  return readOnly(client, async () => {
    await refuseOthers(client, `EXISTS (SELECT FROM pg_catalog.pg_policies WHERE policyname = 'tenant_reporting_select'
      AND tablename = 'isp_billing_invoices' AND current_user = ANY (roles))`)
    return (await client.query(sql)).rows
  })
}

/** No tenant's role and not the application may enter the platform's own schema. */
async function overSchemas(client: Client, sql: string): Promise<readonly Report[]> {
  const { rows: tenants } = await readOnly(client, async () => {
    await refuseOthers(client, `coalesce(pg_catalog.has_schema_privilege(to_regnamespace('${controlSchema}'), 'USAGE'),
      false)`)
    return client.query(`SELECT nspname AS schema, tenant_id AS id FROM ${controlSchema}.isp_tenants
      JOIN pg_catalog.pg_namespace n ON pg_catalog.obj_description(n.oid, 'pg_namespace') = 'tenant ' || tenant_id
      ORDER BY tenant_id`)
  })
  const found: Report[] = []
  for (const { schema, id } of tenants) {
    const { rows } = await readOnly(client, async () => {
      await client.query(`SET LOCAL search_path = ${identifier(String(schema))}, ${controlSchema}`)
      return client.query(sql)
    })
    // The list of tenants is everybody's; of it only this one has its rows here.
    found.push(...rows.filter((row) => row['tenant_id'] === id))
  }
  return found
}

async function refuseOthers(client: Client, isReporting: string): Promise<void> {
  const { rows: [row] } = await client.query(`SELECT ${isReporting} AS reporting`)
  if (row?.['reporting'] === 't' || row?.['reporting'] === true) return
  throw new WatertightError('WATERTIGHT_NOT_REPORTING', 'The login of the reporting pool is not the reporting role', {
    hint: 'Give the service a pool of dotmac_admin for its reports' })
}
