/** Asks the planner whether the seed's indexes serve the tenant predicate, under each variant. */

import type { PlanCheck } from '../model/measurement.ts'
import type { Tenant } from '../model/tenant.ts'
import { literal } from '../postgres/identifier.ts'
import type { GaugeContext, GaugeResult } from './define.ts'
import { readPlan } from './plan.ts'
import { comparedVariants, type Variant } from './variants.ts'

interface IndexedQuery {
  readonly title: string
  readonly relation: string
  /** Without the tenant: that is what the policy, or the schema, has to add. */
  readonly sql: string
  readonly expectedIndex: string
}

const customers = (suffix: string) => `idx_isp_customers_tenant_${suffix}`

/** The seed's index strategy, index by index, then the partitioned table. */
const queries: readonly IndexedQuery[] = [
  {
    title: 'rows of the tenant',
    relation: 'isp_customers',
    sql: 'SELECT count(*) FROM isp_customers',
    expectedIndex: 'idx_isp_customers_tenant_id',
  },
  {
    title: 'newest of the tenant',
    relation: 'isp_customers',
    sql: 'SELECT id FROM isp_customers ORDER BY created_at DESC LIMIT 50',
    expectedIndex: customers('created'),
  },
  {
    title: 'last changed of the tenant',
    relation: 'isp_customers',
    sql: 'SELECT id FROM isp_customers ORDER BY updated_at DESC LIMIT 50',
    expectedIndex: customers('updated'),
  },
  {
    title: 'inactive of the tenant',
    relation: 'isp_customers',
    sql: 'SELECT count(*) FROM isp_customers WHERE NOT is_active',
    expectedIndex: customers('active'),
  },
  {
    title: 'by status',
    relation: 'isp_customers',
    sql: `SELECT count(*) FROM isp_customers WHERE status = 'closed'`,
    expectedIndex: customers('status'),
  },
  {
    title: 'by email',
    relation: 'isp_customers',
    sql: `SELECT id FROM isp_customers WHERE email = 'customer.3.7@example.net'`,
    expectedIndex: customers('email'),
  },
  {
    title: 'usage of the tenant (partitioned)',
    relation: 'isp_analytics_usage',
    sql: 'SELECT count(*) FROM isp_analytics_usage',
    expectedIndex: 'isp_analytics_usage',
  },
]

const textMax = 4_000

export async function checkIndexUse(context: GaugeContext): Promise<GaugeResult> {
  const plans: PlanCheck[] = []
  const failures: string[] = []
  const tenant = context.tenants[Math.min(3, context.tenants.length - 1)]
  if (tenant === undefined) return { measurements: [], plans, failures: ['there is no tenant to plan for'] }
  for (const variant of comparedVariants.filter(({ explicitTenant }) => !explicitTenant)) {
    for (const query of queries) {
      if (context.signal?.aborted === true)
        return { measurements: [], plans, failures: [...failures, 'interrupted'] }
      try {
        plans.push(await planOf(context, query, { variant, tenant }))
      } catch (error) {
        failures.push(
          `${query.title} under ${variant.title}: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
    }
  }
  return { measurements: [], plans, failures }
}

interface Under {
  readonly variant: Variant
  readonly tenant: Tenant
}

async function planOf(
  { session }: GaugeContext,
  query: IndexedQuery,
  { variant, tenant }: Under,
): Promise<PlanCheck> {
  await session.query(variant.enter(tenant))
  const [row] = await session.query(`EXPLAIN (ANALYZE, FORMAT JSON, COSTS OFF, TIMING OFF) ${query.sql}`)
  const text = (await session.query(`EXPLAIN (COSTS OFF) ${query.sql}`))
    .map((line) => String(line['QUERY PLAN']))
    .join('\n')
  const facts = readPlan(String(row?.['QUERY PLAN']))
  const partitions =
    query.relation === 'isp_analytics_usage' && variant.title !== 'schema-per-tenant'
      ? await partitionCount(session, query.relation)
      : null
  const scanned = partitions === null ? null : facts.relationsScanned.length
  const { outcome, reason } = judge(variant, { ...facts, partitions, scanned })
  return {
    id: `${query.title}:${variant.title}`,
    query: query.title,
    variant: variant.title,
    relation: query.relation,
    expectedIndex: query.expectedIndex,
    usedIndexes: facts.usedIndexes,
    placement: facts.placement,
    rowsRemoved: facts.rowsRemoved,
    partitionsTotal: partitions,
    partitionsScanned: scanned,
    outcome,
    reason,
    text: text.slice(0, textMax),
  }
}

interface Facts extends ReturnType<typeof readPlan> {
  readonly partitions: number | null
  readonly scanned: number | null
}

function judge(variant: Variant, facts: Facts): Pick<PlanCheck, 'outcome' | 'reason'> {
  // The schema is the tenant: there is no predicate, and every row that is read is the tenant's own.
  if (variant.title === 'schema-per-tenant')
    return { outcome: 'holds', reason: 'the schema holds this tenant alone: no predicate is needed' }
  if (facts.partitions !== null && facts.scanned !== null && facts.scanned > 1) {
    return {
      outcome: 'violated',
      reason: `${facts.scanned} of ${facts.partitions} partitions were scanned for one tenant`,
    }
  }
  if (facts.placement === 'index condition')
    return {
      outcome: 'holds',
      reason: `the tenant is an index condition (${facts.usedIndexes.join(', ')})`,
    }
  // A partition of one tenant alone may be read without an index.
  if (facts.scanned === 1 && facts.rowsRemoved === 0)
    return { outcome: 'holds', reason: "only the tenant's partition was scanned" }
  return {
    outcome: 'violated',
    reason: `the tenant is a ${facts.placement}, ${facts.rowsRemoved} rows were read and thrown away: the policy is evaluated per row`,
  }
}

async function partitionCount(session: GaugeContext['session'], relation: string): Promise<number> {
  const [row] = await session.query(
    `SELECT count(*) AS n FROM pg_inherits WHERE inhparent = to_regclass(${literal(relation)})`,
  )
  return Number(row?.['n'])
}
