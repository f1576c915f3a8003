/** Reports over all tenants: for the reporting role alone, which reads and can do nothing else. */

import { WatertightError } from '../errors.ts'
import type { StrategyPool } from '../model/context-strategy.ts'
import type { TenancyName } from '../model/tenancy.ts'
import { identifier, literal } from '../sql/identifier.ts'
import {
  fitted,
  recordAccess,
  recordRefusals,
  type AuditEntry,
  type AuditOptions,
} from './audit/record-access.ts'
import { controlSchema } from './schema-manager.ts'
import { tenantIdOf } from './with-tenant.ts'

export interface ReportingPools {
  /** The ISP database, as the reporting role's login (dotmac_admin). */
  readonly isp: Pick<StrategyPool, 'connect'>
  /** The same database as a tenant has it with the application's login: there each report leaves its line. */
  readonly trail: (tenantId: string) => Pick<StrategyPool, 'connect'>
  /** Default row-level-security. */
  readonly tenancy?: TenancyName
}

/** Who asks: the line is in the trail of this tenant. */
export type ReportCaller = Omit<AuditEntry, 'success' | 'operation' | 'tableName'> & AuditOptions
export type Report = (name: string, caller: ReportCaller) => Promise<readonly ReportRow[]>
export type ReportRow = Readonly<Record<string, unknown>>

const reports: Readonly<Record<string, string>> = {
  tenants: `SELECT t.tenant_id, t.name, t.status, (SELECT count(*) FROM isp_customers c
    WHERE c.tenant_id = t.tenant_id)::int AS customers FROM isp_tenants t ORDER BY t.tenant_id`,
  revenue: `SELECT tenant_id, count(*)::int AS invoices, sum(total)::text AS invoiced,
    sum(total) FILTER (WHERE status = 'overdue')::text AS overdue
    FROM isp_billing_invoices GROUP BY tenant_id ORDER BY tenant_id`,
  usage: `SELECT tenant_id, sum(bytes_total)::text AS bytes_total, max(day)::text AS last_day
    FROM isp_analytics_daily GROUP BY tenant_id ORDER BY tenant_id`,
}

/** From their text, so that no report can be added whose table is not looked at. */
const tablesRead = [
  ...new Set(
    Object.values(reports)
      .join(' ')
      .match(/\bisp_\w+/g),
  ),
]

/** Names of the reports. */
export const reportNames: readonly string[] = Object.keys(reports)

/**
 * Runs a report by name, read-only: in one transaction, under schema-per-tenant in one for each tenant, because a
 * thousand schemas are more locks than a server has. Its line in the trail, operation REPORT, is written before the
 * rows are handed out, and also when the report is refused or fails; the reporting role itself writes nothing. What
 * is asked with that role's password and without this function leaves no line: PostgreSQL has no trigger for reads.
 * @throws WatertightError WATERTIGHT_NOT_FOUND for another name, WATERTIGHT_TENANT_NAME, WATERTIGHT_UNREACHABLE,
 *   WATERTIGHT_NOT_REPORTING when the login is subject to the tenants' policies or may not enter their schemas: a
 *   report that sees nothing must not look like one over nothing. AggregateError when the line could not be written
 *   either.
 */
export function reporter({ isp, trail, tenancy = 'row-level-security' }: ReportingPools): Report {
  return async (name, given) => {
    // Callers without types hand over anything.
    const { enabled = true, ...caller } = { ...given }
    const pool = trail(tenantIdOf(caller.tenant))
    const entry = { ...caller, tableName: fitted(String(name)), operation: 'REPORT' }
    try {
      const sql = sqlOf(name)
      const rows = await lent(isp, (client) =>
        tenancy === 'row-level-security' ? overTables(client, sql) : overSchemas(client, sql),
      )
      await recordAccess(pool, { ...entry, success: true }, { enabled })
      return rows
    } catch (error) {
      await recordRefusals(pool, { ...entry, enabled }, { thrown: [error] })
      throw error
    }
  }
}

/** @throws WatertightError WATERTIGHT_NOT_REPORTING, WATERTIGHT_UNREACHABLE: before a service starts, not after. */
export function requireReporting({
  isp,
  tenancy = 'row-level-security',
}: Pick<ReportingPools, 'isp' | 'tenancy'>): Promise<void> {
  return lent(isp, (client) => readOnly(client, () => refuseOthers(client, isReporting[tenancy])))
}

function sqlOf(name: string): string {
  const sql = Object.hasOwn(reports, name) ? reports[name] : undefined
  if (sql !== undefined) return sql
  throw new WatertightError('WATERTIGHT_NOT_FOUND', 'There is no such thing', {
    hint: `Reports are ${reportNames.join(', ')}`,
  })
}

/** A connection whose transaction is still open is not lent again. */
async function lent<T>(
  pool: ReportingPools['isp'],
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw new WatertightError(
      'WATERTIGHT_UNREACHABLE',
      'No connection could be opened for the reporting role',
      { hint: 'Look whether the server runs and lets the login of --reporting in', cause },
    )
  })
  let broken = true
  try {
    const value = await work(client)
    broken = false
    return value
  } finally {
    client.release(broken)
  }
}

interface Client {
  query(sql: string): Promise<{ rows: readonly ReportRow[] }>
}

async function readOnly<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN TRANSACTION READ ONLY')
  const value = await work()
  await client.query('COMMIT')
  return value
}

/**
 * The policy tenant_reporting_select is what makes the role the reporting one, on each table that reports read; under
 * schema-per-tenant no tenant's role and not the application may enter the platform's own schema.
 */
const isReporting: Readonly<Record<TenancyName, string>> = {
  'row-level-security': `NOT EXISTS (SELECT FROM unnest(ARRAY[${tablesRead.map(literal).join(', ')}]) AS t (name)
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_roles r ON r.oid = ANY (p.polroles)
      WHERE p.polname = 'tenant_reporting_select' AND p.polrelid = to_regclass(t.name) AND r.rolname = current_user))`,
  'schema-per-tenant': `coalesce(pg_catalog.has_schema_privilege(to_regnamespace('${controlSchema}'), 'USAGE'), false)`,
}

function overTables(client: Client, sql: string): Promise<readonly ReportRow[]> {
  return readOnly(client, async () => {
    await refuseOthers(client, isReporting['row-level-security'])
    return (await client.query(sql)).rows
  })
}

async function overSchemas(client: Client, sql: string): Promise<readonly ReportRow[]> {
  const { rows: tenants } = await readOnly(client, async () => {
    await refuseOthers(client, isReporting['schema-per-tenant'])
    return client.query(`SELECT nspname AS schema, tenant_id AS id FROM ${controlSchema}.isp_tenants
      JOIN pg_catalog.pg_namespace n ON pg_catalog.obj_description(n.oid, 'pg_namespace') = 'tenant ' || tenant_id
      ORDER BY tenant_id`)
  })
  const found: ReportRow[] = []
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

async function refuseOthers(client: Client, condition: string): Promise<void> {
  const {
    rows: [row],
  } = await client.query(`SELECT ${condition} AS reporting`)
  if (row?.['reporting'] === 't' || row?.['reporting'] === true) return
  throw new WatertightError(
    'WATERTIGHT_NOT_REPORTING',
    'The login of the reporting pool is not the reporting role',
    {
      hint: 'Give it a pool of dotmac_admin; under row security each table needs its policy tenant_reporting_select',
    },
  )
}
