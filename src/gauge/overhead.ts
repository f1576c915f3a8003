/** The queries of the overhead gauge, each under every variant. */

import { literal } from '../postgres/identifier.ts'
import { messageOf } from '../errors.ts'
import { compareVariants, type TimedQuery } from './compare.ts'
import type { GaugeContext, GaugeResult } from './define.ts'
import type { Variant } from './variants.ts'
import type { Tenant } from '../model/tenant.ts'

/** The plain variant names the tenant itself; the others must not have to. */
const where = (variant: Variant, tenant: Tenant, more = '') => {
  const conditions = [
    ...(variant.explicitTenant ? [`tenant_id = ${literal(tenant.id)}`] : []),
    ...(more === '' ? [] : [more]),
  ]
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
}

/** The id that the speed database gave row g of the tenant. */
const rowId = (tenant: Tenant, n: number) =>
  `md5('isp_customers ${tenant.ordinal} ${((n * 37) % 50) + 1}')::uuid`

export const overheadQueries: readonly TimedQuery[] = [
  {
    title: 'point read',
    writes: false,
    sql: (variant, tenant, n) =>
      `SELECT * FROM isp_customers${where(variant, tenant, `id = ${rowId(tenant, n)}`)}`,
  },
  {
    title: 'list page',
    writes: false,
    sql: (variant, tenant) =>
      `SELECT id, name, email, status, created_at FROM isp_customers${where(variant, tenant)} ORDER BY created_at DESC LIMIT 50`,
  },
  {
    title: 'count',
    writes: false,
    sql: (variant, tenant) => `SELECT count(*) FROM isp_customers${where(variant, tenant)}`,
  },
  {
    title: 'insert',
    writes: true,
    sql: (
      _,
      tenant,
      n,
    ) => `INSERT INTO isp_customers (tenant_id, name, email, phone, street, city, postcode, country, status)
      VALUES (${literal(tenant.id)}, 'New customer', 'new.${n}@example.net', '+351 1', '1 Harbour Road', 'Lisbon', '1000', 'PT', 'active')`,
  },
  {
    title: 'update',
    writes: true,
    sql: (variant, tenant, n) =>
      `UPDATE isp_customers SET phone = '+351 ${n}'${where(variant, tenant, `id = ${rowId(tenant, n)}`)}`,
  },
]

/** Every query that fails is a failure by name; the others are measured all the same. */
export async function measureOverhead(context: GaugeContext): Promise<GaugeResult> {
  const results: GaugeResult[] = []
  for (const query of overheadQueries) {
    if (context.signal?.aborted === true) {
      results.push({ measurements: [], plans: [], failures: [`${query.title}: interrupted`] })
      continue
    }
    context.onProgress?.(query.title)
    try {
      results.push({
        plans: [],
        ...(await compareVariants(query, {
          ...context,
          gauge: 'rls-overhead',
          budgetMs: context.budgetMs / overheadQueries.length,
        })),
      })
    } catch (error) {
      // The next query must not inherit an aborted transaction; where the connection is lost it fails by itself.
      await context.session.observe({ sql: 'ROLLBACK', role: 'context' })
      results.push({ measurements: [], plans: [], failures: [`${query.title}: ${messageOf(error)}`] })
    }
  }
  return {
    measurements: results.flatMap((each) => each.measurements),
    plans: [],
    failures: results.flatMap((each) => each.failures),
  }
}
