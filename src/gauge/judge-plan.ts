/** The verdict on a plan, with a reason that names the cause. Pure. */

import type { PlanCheck } from '../model/measurement.ts'
import type { PlanFacts } from './plan.ts'

export interface PlanExpectation {
  /** Partitions of the table, null when it has none. */
  readonly partitions: number | null
  readonly expectedIndex: string | null
  /** Schema of the tenant where each has one, null where tenants share their tables. */
  readonly ownSchema: string | null
}

type Judged = Pick<PlanCheck, 'outcome' | 'reason'>

/**
 * `holds` when every row that was read is the tenant's: an index condition on the tenant, a partition
 * or a schema of its own. `unknown` when the plan ran on no rows at all: then it shows nothing.
 */
export function judgePlan(facts: PlanFacts, expectation: PlanExpectation): Judged {
  if (facts.rowsKept === 0)
    return { outcome: 'unknown', reason: 'the query found no row: its plan proves nothing' }
  if (expectation.ownSchema !== null) return judgeSchema(facts, expectation.ownSchema)
  const scanned = facts.relationsScanned.length
  if (expectation.partitions !== null && scanned > 1) {
    const reason = `${scanned} of ${expectation.partitions} partitions were scanned for one tenant`
    return { outcome: 'violated', reason }
  }
  if (facts.placement === 'index condition')
    return { outcome: 'holds', reason: indexReason(facts, expectation) }
  // A partition that holds one tenant alone may be read without an index.
  if (expectation.partitions !== null && scanned === 1 && facts.rowsRemoved === 0) {
    const reason = `1 of ${expectation.partitions} partitions was scanned, and it is the tenant's alone`
    return { outcome: 'holds', reason }
  }
  return {
    outcome: 'violated',
    reason: `${causeOf(facts)}: ${facts.rowsRemoved} rows were read and thrown away`,
  }
}

function judgeSchema({ schemasScanned, usedIndexes }: PlanFacts, ownSchema: string): Judged {
  const foreign = schemasScanned.filter((schema) => schema !== ownSchema)
  if (foreign.length > 0)
    return { outcome: 'violated', reason: `the schema ${foreign.join(', ')} was read` }
  const by = usedIndexes.length === 0 ? 'read in full' : `served by ${usedIndexes.join(', ')}`
  return {
    outcome: 'holds',
    reason: `the schema holds this tenant alone: no predicate is needed, ${by}`,
  }
}

function indexReason(
  { usedIndexes }: PlanFacts,
  { expectedIndex, partitions }: PlanExpectation,
): string {
  const instead =
    expectedIndex !== null && !usedIndexes.includes(expectedIndex)
      ? ` instead of ${expectedIndex}`
      : ''
  const pruned = partitions === null ? '' : `, 1 of ${partitions} partitions was scanned`
  return `the tenant is an index condition of ${usedIndexes.join(', ')}${instead}${pruned}`
}

function causeOf({ placement, calledPerRow }: PlanFacts): string {
  if (calledPerRow !== null)
    return `the policy calls ${calledPerRow} per row, so no index serves it`
  return placement === 'none'
    ? 'the plan has no tenant predicate'
    : `the tenant predicate is a ${placement}`
}
