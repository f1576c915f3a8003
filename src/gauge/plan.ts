/** Reads EXPLAIN (ANALYZE, FORMAT JSON): where the tenant predicate landed and what served it. Pure. */

import type { PredicatePlacement } from '../model/measurement.ts'

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Index Name'?: string
  readonly 'Relation Name'?: string
  readonly 'Index Cond'?: string
  readonly 'Recheck Cond'?: string
  readonly Filter?: string
  readonly 'One-Time Filter'?: string
  readonly 'Rows Removed by Filter'?: number
  readonly 'Actual Loops'?: number
  readonly 'Subplans Removed'?: number
  readonly Plans?: readonly PlanNode[]
}

export interface PlanFacts {
  readonly usedIndexes: readonly string[]
  readonly placement: PredicatePlacement
  readonly rowsRemoved: number
  /** Relations that were really scanned, partitions each. */
  readonly relationsScanned: readonly string[]
}

/** The predicate names the tenant column or calls a function on it. */
const tenantPredicate = /tenant_id|check_tenant_access|current_tenant_id|app\.current_tenant_id/

export function readPlan(json: string): PlanFacts {
  const [root] = JSON.parse(json) as readonly { readonly Plan: PlanNode }[]
  const nodes = root === undefined ? [] : flatten(root.Plan)
  const executed = nodes.filter((node) => (node['Actual Loops'] ?? 1) > 0)
  const has = (pick: (node: PlanNode) => string | undefined) =>
    executed.some((node) => tenantPredicate.test(pick(node) ?? ''))
  return {
    usedIndexes: [...new Set(executed.flatMap((node) => node['Index Name'] ?? []))],
    placement: has((node) => node['Index Cond'] ?? node['Recheck Cond'])
      ? 'index condition'
      : has((node) => node['Filter'])
        ? 'filter'
        : has((node) => node['One-Time Filter'])
          ? 'one-time filter'
          : 'none',
    rowsRemoved: executed.reduce(
      (sum, node) => sum + (node['Rows Removed by Filter'] ?? 0) * Math.max(1, node['Actual Loops'] ?? 1),
      0,
    ),
    relationsScanned: [...new Set(executed.flatMap((node) => node['Relation Name'] ?? []))],
  }
}

function flatten(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)]
}
