/** The seed's four metrics, read from one database of the platform: distribution, indexes, overhead, attempts. */

import type { Service, TenancyName } from '../../model/tenancy.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { RoleNames } from '../../model/roles.ts'
import { measureRlsOverhead } from './rls-overhead.ts'
import type { MetricName, Sample } from './sample.ts'

export interface MetricsSubject {
  readonly service: Service
  readonly tenancy: TenancyName
  readonly roles: RoleNames
  /** Sees all tenants' rows: a superuser, or BYPASSRLS. */
  readonly session: Session
  /** Table whose rows are counted by tenant, and whose policies are measured. */
  readonly table: string
  /** Schemas with tenants' tables: `public` under row-level security, else the tenants'. */
  readonly schemas: readonly string[]
}

/** Tenant labels at most; the tenants beyond, smallest first out, are one sample labelled `other` in `rest`. */
export const tenantLabelsMax = 100

/**
 * The overhead is measured with the tenant that has most rows, and absent under schema-per-tenant, which has no
 * policies, or where no tenant has rows. https://www.postgresql.org/docs/current/monitoring-stats.html
 */
export async function collectMetrics(subject: MetricsSubject): Promise<readonly Sample[]> {
  const { service, table } = subject
  const accesses = await perTenant(subject, 'audit_tenant_access', 'true')
  const attempts = await perTenant(subject, 'audit_tenant_access', 'NOT success')
  const rows = await perTenant(subject, table, 'true')
  const labelled = (name: MetricName, counts: Counts, labels: Labels = {}) =>
    capped(name, counts, { database: service, ...labels })
  return [
    ...labelled('dotmac_tenant_accesses', accesses),
    ...labelled('dotmac_tenant_rows', rows, { table }),
    ...(await scansOf(subject)),
    ...(await overheadOf(subject, rows[0]?.[0])),
    ...labelled('dotmac_cross_tenant_attempts', attempts),
  ]
}

type Counts = readonly (readonly [tenant: string, count: number])[]
type Labels = Readonly<Record<string, string>>

/** Largest first. */
async function perTenant(
  { session, schemas }: MetricsSubject,
  table: string,
  where: string,
): Promise<Counts> {
  const counts: [string, number][] = []
  for (const schema of schemas) {
    const rows =
      await session.query(`SELECT tenant_id, count(*) AS n FROM ${identifier(schema)}.${identifier(table)}
      WHERE ${where} GROUP BY 1`)
    counts.push(
      ...rows.map((row): [string, number] => [String(row['tenant_id']), Number(row['n'])]),
    )
  }
  return counts.toSorted(([a, some], [b, others]) => others - some || (a < b ? -1 : 1))
}

/**
 * Under schema-per-tenant the same table's counters of all tenants are one, and everywhere those of a table's
 * partitions: the server counts at the partitions alone.
 */
async function scansOf({ session, schemas, service }: MetricsSubject): Promise<readonly Sample[]> {
  const within = `n.nspname IN (${schemas.map(literal).join(', ')})`
  if (schemas.length === 0) return []
  const indexes =
    await session.query(`SELECT t.relname AS table, i.relname AS index, sum(s.idx_scan) AS n
    FROM pg_stat_user_indexes s
    JOIN pg_class i ON i.oid = coalesce(pg_partition_root(s.indexrelid)::oid, s.indexrelid)
    JOIN pg_class t ON t.oid = coalesce(pg_partition_root(s.relid)::oid, s.relid)
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE ${within} AND i.relname LIKE 'idx\\_%\\_tenant\\_%' GROUP BY 1, 2 ORDER BY 1, 2`)
  const tables =
    await session.query(`SELECT t.relname AS table, sum(s.seq_scan) AS n FROM pg_stat_user_tables s
    JOIN pg_class t ON t.oid = coalesce(pg_partition_root(s.relid)::oid, s.relid)
    JOIN pg_namespace n ON n.oid = t.relnamespace WHERE ${within} GROUP BY 1 ORDER BY 1`)
  const guarded = new Set(indexes.map((row) => row['table']))
  const database = service
  return [
    ...indexes.map((row): Sample => ({
      name: 'dotmac_index_scans_total',
      value: Number(row['n']),
      labels: { database, table: String(row['table']), index: String(row['index']) },
    })),
    ...tables
      .filter((row) => guarded.has(row['table']))
      .map((row): Sample => ({
        name: 'dotmac_sequential_scans_total',
        value: Number(row['n']),
        labels: { database, table: String(row['table']) },
      })),
  ]
}

async function overheadOf(
  { tenancy, session, table, roles, service }: MetricsSubject,
  tenant: string | undefined,
): Promise<readonly Sample[]> {
  if (tenancy !== 'row-level-security' || tenant === undefined) return []
  const { ratio, low, high } = await measureRlsOverhead(session, { table, tenant, app: roles.app })
  const labels = { database: service, table, tenant }
  return [
    { name: 'dotmac_rls_overhead_ratio', labels, value: ratio },
    { name: 'dotmac_rls_overhead_ratio_low', labels, value: low },
    { name: 'dotmac_rls_overhead_ratio_high', labels, value: high },
  ]
}

function capped(name: MetricName, counts: Counts, labels: Labels): readonly Sample[] {
  const rest = counts.slice(tenantLabelsMax).reduce((sum, [, count]) => sum + count, 0)
  return [
    ...counts
      .slice(0, tenantLabelsMax)
      .map(([tenant, value]) => ({ name, labels: { ...labels, tenant }, value })),
    ...(counts.length > tenantLabelsMax
      ? [{ name, labels: { ...labels, rest: 'other' }, value: rest }]
      : []),
  ]
}
