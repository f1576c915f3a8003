/** Three of the seed's metrics, read from one database whose tenants share tables. */

import { identifier } from '../../postgres/identifier.ts'
import type { Session } from '../../postgres/session.ts'

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Tenant labels at most; the tenants beyond, smallest first out, are one sample labelled `other` in `rest`. */
export const tenantLabelsMax = 100

/**
 * Rows per tenant of one table, scans per tenant index, refused accesses per acting tenant. The session must see all
 * tenants (dotmac_admin). https://www.postgresql.org/docs/current/monitoring-stats.html
 */
export async function collectMetrics(session: Session, table: string): Promise<readonly Sample[]> {
  const perTenant = async (name: string, from: string) => capped(name, (await session.query(
    `SELECT tenant_id, count(*) AS n FROM ${from} GROUP BY 1 ORDER BY 2 DESC, 1`)).map((row) =>
    [String(row['tenant_id']), Number(row['n'])] as const))
  const scans = await session.query(`SELECT relname, indexrelname, idx_scan FROM pg_stat_user_indexes
    WHERE schemaname = 'public' AND indexrelname LIKE 'idx\\_%\\_tenant\\_%' ORDER BY 1, 2`)
  return [
    ...await perTenant('dotmac_tenant_rows', identifier(table)),
    ...scans.map((row) => ({ name: 'dotmac_index_scans_total', value: Number(row['idx_scan']),
      labels: { table: String(row['relname']), index: String(row['indexrelname']) } })),
    ...await perTenant('dotmac_cross_tenant_attempts', 'audit_tenant_access WHERE NOT success'),
  ]
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function prometheusText(samples: readonly Sample[]): string {
  const quoted = (text: string) =>
    `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
  return samples.map(({ name, labels, value }) =>
    `${name}{${Object.entries(labels).map(([key, text]) => `${key}=${quoted(text)}`).join(',')}} ${value}\n`).join('')
}

function capped(name: string, counts: readonly (readonly [string, number])[]): readonly Sample[] {
  const rest = counts.slice(tenantLabelsMax).reduce((sum, [, count]) => sum + count, 0)
  return [
    ...counts.slice(0, tenantLabelsMax).map(([tenant, value]) => ({ name, labels: { tenant }, value })),
    ...(counts.length > tenantLabelsMax ? [{ name, labels: { rest: 'other' }, value: rest }] : []),
  ]
}
