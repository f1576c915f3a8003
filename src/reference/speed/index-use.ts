/** Asks the planner whether the seed's indexes serve the tenant predicate, under each variant. */

import { messageOf } from '../../errors.ts'
import type { PlanCheck } from '../../model/measurement.ts'
import type { Tenant } from '../../model/tenant.ts'
import { literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { GaugeContext, GaugeResult } from '../../gauge/define.ts'
import { judgePlan } from '../../gauge/judge-plan.ts'
import { readPlan } from '../../gauge/plan.ts'
import type { Variant } from '../../gauge/variant.ts'
import { isolating } from './variants.ts'

interface IndexedQuery {
  readonly title: string
  readonly relation: string
  /** Without the tenant: that is what the policy, or the schema, has to add. */
  sql(tenant: Tenant): string
  /** Null where any index that leads with the tenant will do. */
  readonly expectedIndex: string | null
}

const customers = (title: string, suffix: string, sql: IndexedQuery['sql']): IndexedQuery => ({
  title,
  relation: 'isp_customers',
  sql,
  expectedIndex: `idx_isp_customers_${suffix}`,
})

/** The seed's index strategy, index by index, then the partitioned table. */
const queries: readonly IndexedQuery[] = [
  customers('tenant', 'tenant_id', () => 'SELECT count(*) FROM isp_customers'),
  customers(
    'tenant and created_at',
    'tenant_created',
    () => 'SELECT id FROM isp_customers ORDER BY created_at DESC LIMIT 50',
  ),
  customers(
    'tenant and updated_at',
    'tenant_updated',
    () => 'SELECT id FROM isp_customers ORDER BY updated_at DESC LIMIT 50',
  ),
  customers(
    'tenant and is_active',
    'tenant_active',
    () => 'SELECT count(*) FROM isp_customers WHERE NOT is_active',
  ),
  customers(
    'tenant and email',
    'tenant_email',
    ({ ordinal }) =>
      `SELECT id FROM isp_customers WHERE email = 'customer.${ordinal}.7@example.net'`,
  ),
  customers(
    'tenant and status',
    'tenant_status',
    () => `SELECT count(*) FROM isp_customers WHERE status = 'closed'`,
  ),
  {
    title: 'tenant of a partitioned table',
    relation: 'isp_analytics_usage',
    sql: () => 'SELECT count(*) FROM isp_analytics_usage',
    expectedIndex: null,
  },
]

const textMax = 4_000

/**
 * Plans for the smallest tenant, because for one that owns much of a table the planner may rightly
 * read all of it. A query that fails is a failure by name.
 */
export async function checkIndexUse(context: GaugeContext): Promise<GaugeResult> {
  const plans: PlanCheck[] = []
  const failures: string[] = []
  const tenant = context.tenants.at(-1)
  if (tenant === undefined)
    return { measurements: [], plans, failures: ['there is no tenant to plan for'] }
  context.onProgress?.('index use')
  for (const variant of isolating) {
    for (const query of queries) {
      if (context.signal?.aborted === true)
        return { measurements: [], plans, failures: [...failures, 'interrupted'] }
      try {
        plans.push(await planOf(context.session, query, { variant, tenant }))
      } catch (error) {
        failures.push(`plan of ${query.title} under ${variant.title}: ${messageOf(error)}`)
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
  session: Session,
  query: IndexedQuery,
  { variant, tenant }: Under,
): Promise<PlanCheck> {
  const { relation, expectedIndex } = query
  await session.query(variant.enter(tenant))
  const sql = query.sql(tenant)
  const [row] = await session.query(
    `EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON, COSTS OFF, TIMING OFF) ${sql}`,
  )
  const text = (await session.query(`EXPLAIN (COSTS OFF) ${sql}`))
    .map((line) => String(line['QUERY PLAN']))
    .join('\n')
  const facts = readPlan(String(row?.['QUERY PLAN']))
  const partitions = await partitionsOf(session, relation)
  const partitionsScanned = partitions === null ? null : facts.relationsScanned.length
  return {
    id: `index-use:${query.title}:${variant.title}`,
    query: query.title,
    variant: variant.title,
    relation,
    expectedIndex,
    usedIndexes: facts.usedIndexes,
    placement: facts.placement,
    rowsRemoved: facts.rowsRemoved,
    partitionsTotal: partitions,
    partitionsScanned,
    ...judgePlan(facts, {
      partitions,
      expectedIndex,
      ownSchema: variant.title === 'schema-per-tenant' ? tenant.schema : null,
    }),
    text: text.slice(0, textMax),
  }
}

/** Null for a table without partitions. */
async function partitionsOf(session: Session, relation: string): Promise<number | null> {
  const [row] = await session.query(`SELECT count(*) AS partitions FROM pg_catalog.pg_inherits
    WHERE inhparent = pg_catalog.to_regclass(${literal(relation)})`)
  const partitions = Number(row?.['partitions'])
  return partitions === 0 ? null : partitions
}
