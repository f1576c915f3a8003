/** Reads EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON): where the tenant predicate landed and what served it. Pure. */

import type { PredicatePlacement } from '../model/measurement.ts'

/** https://www.postgresql.org/docs/current/using-explain.html; keys as PostgreSQL spells them. */
interface PlanNode {
  readonly 'Node Type': string
  readonly 'Index Name'?: string
  readonly 'Relation Name'?: string
  readonly Schema?: string
  readonly 'Index Cond'?: string
  readonly 'Recheck Cond'?: string
  readonly Filter?: string
  readonly 'One-Time Filter'?: string
  readonly 'Rows Removed by Filter'?: number
  readonly 'Actual Rows'?: number
  readonly 'Actual Loops'?: number
  readonly Plans?: readonly PlanNode[]
}

export interface PlanFacts {
  readonly usedIndexes: readonly string[]
  /** The worst that happened to the tenant predicate in any scan that ran. */
  readonly placement: PredicatePlacement
  /** Function that a filter calls on tenant_id, row by row; null when there is none. */
  readonly calledPerRow: string | null
  /** Rows that the scans gave on. */
  readonly rowsKept: number
  readonly rowsRemoved: number
  /** Relations that were really scanned, partitions each. */
  readonly relationsScanned: readonly string[]
  readonly schemasScanned: readonly string[]
}

/** The predicate names the tenant column or calls a function on it. */
const tenantPredicate = /tenant_id|check_tenant_access/
const perRowCall = /(\w+)\(\(*(?:[\w.]+\.)?tenant_id\b/

/** @throws SyntaxError when the text is no JSON. */
export function readPlan(json: string): PlanFacts {
  const [root] = JSON.parse(json) as readonly { readonly Plan: PlanNode }[]
  const nodes = root === undefined ? [] : flatten(root.Plan)
  // Partitions that were pruned at start-up are in the plan, but never ran.
  const ran = nodes.filter((node) => (node['Actual Loops'] ?? 1) > 0)
  const scans = ran.filter((node) => node['Relation Name'] !== undefined)
  const filters = ran.flatMap((node) => node.Filter ?? [])
  const times = (node: PlanNode, rows: number | undefined) =>
    Math.round((rows ?? 0) * (node['Actual Loops'] ?? 1))
  const distinct = (names: readonly string[]) => [...new Set(names)]
  return {
    usedIndexes: distinct(ran.flatMap((node) => node['Index Name'] ?? [])),
    placement: placementIn(ran),
    calledPerRow: filters.flatMap((filter) => perRowCall.exec(filter)?.[1] ?? [])[0] ?? null,
    rowsKept: scans.reduce((sum, node) => sum + times(node, node['Actual Rows']), 0),
    rowsRemoved: ran.reduce((sum, node) => sum + times(node, node['Rows Removed by Filter']), 0),
    relationsScanned: distinct(scans.flatMap((node) => node['Relation Name'] ?? [])),
    schemasScanned: distinct(scans.flatMap((node) => node.Schema ?? [])),
  }
}

/**
 * A filter that repeats what an index condition of the same scan already guarantees throws nothing
 * away; a filter without one reads rows of other tenants, so it decides.
 */
function placementIn(ran: readonly PlanNode[]): PredicatePlacement {
  const names = (...texts: (string | undefined)[]) =>
    texts.some((text) => tenantPredicate.test(text ?? ''))
  const indexed = (node: PlanNode): boolean =>
    names(node['Index Cond'], node['Recheck Cond']) || (node.Plans ?? []).some(indexed)
  if (ran.some((node) => names(node.Filter) && !indexed(node))) return 'filter'
  if (ran.some((node) => names(node['Index Cond'], node['Recheck Cond']))) return 'index condition'
  return ran.some((node) => names(node['One-Time Filter'])) ? 'one-time filter' : 'none'
}

function flatten(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)]
}
