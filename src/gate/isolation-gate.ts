/** The gate that a proven leak shuts. Findings of the as-written variant never reach it. */

import type { GateResult } from '../model/report.ts'
import { severities, type Severity } from '../model/verdict.ts'
import type { Undecided } from './decide.ts'
import type { GateRules } from './rules.ts'

export function isolationGate(input: Undecided, rules: GateRules): GateResult {
  const gating = input.findings.filter((finding) => finding.gating)
  const serious = gating.filter((finding) => atOrAbove(finding.severity, rules.failOn))
  const lost = rules.failOn === 'never' ? 0 : violationsWithoutFinding(input)
  const gate = {
    id: 'isolation',
    kind: 'isolation' as const,
    expression:
      rules.failOn === 'never'
        ? 'findings are reported only'
        : `findings at or above ${rules.failOn} == 0`,
  }
  if (serious.length > 0 || lost > 0) {
    const first = serious[0]
    const reason =
      first === undefined
        ? `${lost} violated verdicts have no finding`
        : `${first.severity}: ${first.title}`
    return { ...gate, value: String(serious.length + lost), state: 'shut', reason }
  }
  const cases = input.verdicts.reduce(
    (total, verdict) =>
      total + (verdict.world.variant === 'as-written' ? 0 : verdict.evidence.casesTried),
    0,
  )
  if (cases === 0) {
    return {
      ...gate,
      value: 'missing',
      state: 'undecided',
      reason: 'Nothing was tried, so nothing was proven',
    }
  }
  const lesser = gating.length > 0 ? `; ${gating.length} below the limit` : ''
  return {
    ...gate,
    value: '0',
    state: 'open',
    reason: `No leak in ${cases.toLocaleString('en-US')} cases${lesser}`,
  }
}

function atOrAbove(severity: Severity, failOn: GateRules['failOn']): boolean {
  return failOn !== 'never' && severities.indexOf(severity) <= severities.indexOf(failOn)
}

/** A leak whose finding got lost on the way is still a leak. */
function violationsWithoutFinding(input: Undecided): number {
  return input.verdicts.filter(
    (verdict) =>
      verdict.world.variant !== 'as-written' &&
      verdict.outcome === 'violated' &&
      !input.findings.some(
        (finding) =>
          finding.probe === verdict.probe &&
          finding.database === verdict.database &&
          finding.gating,
      ),
  ).length
}
