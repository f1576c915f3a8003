/** The gate that stays closed while anything was asked and not answered. */

import type { Coverage, GateResult } from '../model/report.ts'
import type { Verdict } from '../model/verdict.ts'
import { doubtOf } from './credible.ts'
import { faultsOfProbes, miscounted, unprovenIn } from './detector-doubts.ts'
import { disturbedIn } from './disturbed.ts'
import type { Undecided } from './decide.ts'
import type { GateRules } from './rules.ts'

/** It is undecided, never shut: an unanswered question is no leak. */
export function coverageGate(input: Undecided, rules: GateRules): GateResult {
  const open = openQuestions(input, rules)
  const { cellsTried, cellsAsked, probesTried, probesAsked } = input.coverage
  const gate = {
    id: 'coverage',
    kind: 'coverage' as const,
    expression: rules.strict ? 'coverage == complete, poolers included' : 'coverage == complete',
    value:
      cellsAsked === 0
        ? 'missing'
        : `${probesTried} of ${probesAsked} probes, ${cellsTried} of ${cellsAsked} cells`,
  }
  const first = open[0]
  if (first === undefined)
    return { ...gate, state: 'open', reason: 'Every probe that applies was answered' }
  const more = open.length > 1 ? `, and ${open.length - 1} more` : ''
  return { ...gate, state: 'undecided', reason: `${first}${more}` }
}

function openQuestions(input: Undecided, rules: GateRules): string[] {
  const { coverage, run } = input
  const judged = input.verdicts.filter((verdict) => verdict.world.variant !== 'as-written')
  const poolers = rules.strict ? coverage.poolers.filter((pooler) => !pooler.tested) : []
  return [
    ...(judged.length === 0 ? ['No verdict was reached'] : []),
    ...(coverage.casesTried === 0 || coverage.cellsTried === 0 ? ['No case was tried'] : []),
    ...judged.flatMap((verdict) => questionOf(verdict) ?? []),
    ...unprovenIn(input),
    ...faultsOfProbes(input),
    ...miscounted(input),
    ...disturbedIn(input),
    ...(coverage.probesTried < coverage.probesAsked
      ? [`${coverage.probesTried} of ${coverage.probesAsked} probes ran`]
      : []),
    ...(coverage.cellsUnknown > 0 ? [`${coverage.cellsUnknown} cells are unknown`] : []),
    ...(run.partial || run.cutShortBy !== null ? ['The run did not reach its end'] : []),
    ...(coverage.filter && !rules.allowPartial ? [filterQuestion(coverage.filter)] : []),
    ...poolers.map((pooler) => `${pooler.title} was not tested: ${pooler.reason}`),
  ]
}

/** A part that holds says nothing about the rest: only who asks for a part may take it for an answer. */
function filterQuestion({ probes, of, grep }: NonNullable<Coverage['filter']>): string {
  return `Only ${probes} of ${of} probes were asked (--grep ${grep}); --allow-partial accepts a part`
}

/** What is unanswered about one verdict, null when it is answered with evidence. */
function questionOf(verdict: Verdict): string | null {
  const where = `${verdict.probe} in ${verdict.database}`
  if (verdict.outcome === 'unknown') return `${where} is unknown: ${verdict.reason}`
  const unknown = verdict.cells.find((cell) => cell.outcome === 'unknown')
  if (unknown !== undefined)
    return `${where} is unknown on ${unknown.object} (${unknown.path}): ${unknown.reason}`
  if (verdict.outcome !== 'holds') return null
  const doubts = verdict.cells
    .filter((cell) => cell.outcome === 'holds')
    .map((cell) => doubtOf(cell.evidence))
  const doubt = [doubtOf(verdict.evidence), ...doubts].find((each) => each !== null)
  return doubt === undefined ? null : `${where} holds without evidence: ${doubt}`
}
