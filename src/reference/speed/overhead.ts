/** What isolation costs: everyday queries under every variant, against the plain one with an explicit WHERE. */

import { messageOf } from '../../errors.ts'
import type { Tenant } from '../../model/tenant.ts'
import { literal } from '../../sql/identifier.ts'
import { compareVariants } from '../../gauge/compare.ts'
import type { GaugeContext, GaugeResult } from '../../gauge/define.ts'
import type { TimedQuery } from '../../gauge/sampler.ts'
import { isolatingAmong, plain } from './variants.ts'
import type { Variant } from '../../gauge/variant.ts'

/** The plain variant names the tenant itself; the others must not have to. */
function where(variant: Variant, tenant: Tenant, more: readonly string[] = []): string {
  const conditions = [
    ...(variant.explicitTenant ? [`tenant_id = ${literal(tenant.id)}`] : []),
    ...more,
  ]
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
}

/** One of fifty rows that the speed database gave every tenant. */
function rowId(tenant: Tenant, n: number): string {
  return `id = md5('isp_customers ${tenant.ordinal} ${((n * 37) % 50) + 1}')::uuid`
}

export const overheadQueries: readonly TimedQuery[] = [
  {
    title: 'point read',
    writes: false,
    sql: (variant, tenant, n) =>
      `SELECT * FROM isp_customers${where(variant, tenant, [rowId(tenant, n)])}`,
  },
  {
    title: 'list page',
    writes: false,
    sql: (variant, tenant) =>
      `SELECT id, name, email, status, created_at FROM isp_customers${where(
        variant,
        tenant,
      )} ORDER BY created_at DESC LIMIT 50`,
  },
  {
    title: 'count',
    writes: false,
    rowsIn: 'customers',
    sql: (variant, tenant) =>
      `SELECT count(*) AS customers FROM isp_customers${where(variant, tenant)}`,
  },
  {
    title: 'insert',
    writes: true,
    sql: (_, tenant, n) => `INSERT INTO isp_customers
(tenant_id, name, email, phone, street, city, postcode, country, status) VALUES (${literal(tenant.id)},
'New customer', 'new.${n}@example.net', '+351 1', '1 Harbour Road', 'Lisbon', '1000', 'PT', 'active')`,
  },
  {
    title: 'update',
    writes: true,
    sql: (variant, tenant, n) =>
      `UPDATE isp_customers SET phone = '+351 ${n}'${where(variant, tenant, [rowId(tenant, n)])}`,
  },
]

/** What the seed document's own examples ask, beside the everyday ones. */
export const seedQueries: readonly TimedQuery[] = [
  {
    title: 'all customers',
    writes: false,
    sql: (variant, tenant) => `SELECT * FROM isp_customers${where(variant, tenant)}`,
  },
  {
    title: 'active customers',
    writes: false,
    sql: (variant, tenant) =>
      `SELECT * FROM isp_customers${where(variant, tenant, ['is_active = true'])}`,
  },
  {
    title: 'by email',
    writes: false,
    sql: (variant, tenant, n) =>
      `SELECT * FROM isp_customers${where(variant, tenant, [
        `email = 'customer.${tenant.ordinal}.${((n * 37) % 50) + 1}@example.net'`,
      ])}`,
  },
]

/** Every query that fails is a failure by name; the others are measured all the same. */
export async function measureOverhead(
  context: GaugeContext,
  queries: readonly TimedQuery[] = overheadQueries,
): Promise<GaugeResult> {
  const results: Pick<GaugeResult, 'measurements' | 'failures'>[] = []
  for (const query of queries) {
    if (context.signal?.aborted === true) {
      results.push({ measurements: [], failures: [`${query.title}: interrupted`] })
      continue
    }
    context.onProgress?.(query.title)
    results.push(
      await measureQuery(query, { ...context, budgetMs: context.budgetMs / queries.length }),
    )
  }
  return {
    measurements: results.flatMap((each) => each.measurements),
    plans: [],
    failures: results.flatMap((each) => each.failures),
  }
}

async function measureQuery(
  query: TimedQuery,
  context: GaugeContext,
): Promise<Pick<GaugeResult, 'measurements' | 'failures'>> {
  try {
    return await compareVariants(query, {
      ...context,
      gauge: 'rls-overhead',
      reference: plain,
      others: isolatingAmong(context.variants),
    })
  } catch (error) {
    return { measurements: [], failures: [`${query.title}: ${messageOf(error)}`] }
  }
}
