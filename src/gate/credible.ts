/** A `holds` is only as good as its evidence: this says what is missing from it. */

import type { Evidence } from '../model/verdict.ts'

/** Why the evidence cannot carry a `holds`, null when it can. */
export function doubtOf(evidence: Evidence): string | null {
  if (evidence.casesTried === 0) return 'no case was tried'
  if (evidence.casesTried < evidence.casesAsked) {
    return `${evidence.casesTried} of ${evidence.casesAsked} cases were tried`
  }
  if (evidence.indeterminate > 0) return `${evidence.indeterminate} attempts were indeterminate`
  if (evidence.sharedBackends === 0) return 'no backend provably served two tenants'
  if (evidence.controlsTried > 0 && evidence.controlsSeen === 0) {
    return `none of ${evidence.controlsTried} positive controls saw rows`
  }
  return null
}
