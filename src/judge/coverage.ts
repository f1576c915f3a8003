/** What was asked, what was tried and what was left out: the half of the answer that green hides. */

import type { Coverage } from '../model/report.ts'
import { worldKey, type WorldId } from '../model/tenancy.ts'
import type { CellVerdict, Outcome, Verdict } from '../model/verdict.ts'

export interface CoverageContext {
  readonly poolers: Coverage['poolers']
  readonly untested: Coverage['untested']
  /** Default: every probe was asked for. */
  readonly filter?: Coverage['filter']
  readonly assumptions: Coverage['assumptions']
  /** Probe and world pairs that were planned; one without a verdict counts as asked and untested. */
  readonly expected?: readonly { readonly probe: string; readonly world: WorldId }[]
  /** Probes that proved nothing in this run: what they hold is unknown. Default: none. */
  readonly unproven?: ReadonlySet<string>
}

/**
 * Counts the judged worlds only: as-written worlds are reported beside them and their leaks are
 * expected. Inapplicable probes and cells are not asked; they are counted on their own.
 */
export function coverageOf(verdicts: readonly Verdict[], context: CoverageContext): Coverage {
  const judged = verdicts.filter((verdict) => verdict.world.variant !== 'as-written')
  const applicable = judged.filter((verdict) => verdict.outcome !== 'inapplicable')
  const unproven = (verdict: Verdict) => context.unproven?.has(verdict.probe) === true
  const cells = judged.flatMap((verdict) =>
    unproven(verdict) ? verdict.cells.map(uncounted) : verdict.cells,
  )
  const count = (outcome: Outcome) => cells.filter((cell) => cell.outcome === outcome).length
  const missing = missingOf(verdicts, context)
  return {
    probesAsked:
      applicable.length + missing.filter((each) => each.world.variant !== 'as-written').length,
    probesTried: applicable.filter(
      (verdict) => verdict.evidence.casesTried > 0 && !unproven(verdict),
    ).length,
    cellsAsked: cells.length - count('inapplicable'),
    cellsTried: cells.filter(wasTried).length,
    cellsHeld: count('holds'),
    cellsViolated: count('violated'),
    cellsUnknown: count('unknown'),
    cellsInapplicable: count('inapplicable'),
    objects: new Set(
      judged.flatMap((verdict) =>
        verdict.cells.map((cell) => `${verdict.world.service}.${cell.object}`),
      ),
    ).size,
    casesTried: judged.reduce((total, verdict) => total + verdict.evidence.casesTried, 0),
    ...(context.filter === undefined ? {} : { filter: context.filter }),
    poolers: context.poolers,
    untested: [...context.untested, ...missing.map(untestedEntry)],
    assumptions: [...context.assumptions, ...inherentOf(judged), ...askedAgainOf(judged)],
  }
}

/** Whoever may be blind has seen nothing: only a leak still counts. */
function uncounted(cell: CellVerdict): CellVerdict {
  return cell.outcome === 'holds'
    ? { ...cell, outcome: 'unknown', evidence: { ...cell.evidence, casesTried: 0 } }
    : cell
}

function wasTried(cell: CellVerdict): boolean {
  return cell.outcome !== 'inapplicable' && cell.evidence.casesTried > 0
}

function missingOf(verdicts: readonly Verdict[], context: CoverageContext) {
  const reached = new Set(verdicts.map((verdict) => `${verdict.probe}:${worldKey(verdict.world)}`))
  return (context.expected ?? []).filter(
    (each) => !reached.has(`${each.probe}:${worldKey(each.world)}`),
  )
}

function untestedEntry(each: { readonly probe: string; readonly world: WorldId }) {
  return {
    what: `${each.probe} in ${worldKey(each.world)}`,
    why: 'the run ended before it reached a verdict',
  }
}

/** How often the world had to be revived, and what was asked again then. */
function askedAgainOf(verdicts: readonly Verdict[]): readonly string[] {
  const again = verdicts.flatMap(({ probe, cells }) =>
    cells.flatMap(({ askedAgain, object, path }) =>
      askedAgain === true ? [`${probe} on ${object} (${path})`] : [],
    ),
  )
  if (again.length === 0) return []
  const rest = again.length > 3 ? `, and ${again.length - 3} more` : ''
  return [
    `Connections ended ${again.length} times while something was asked, which was asked again: ` +
      `${again.slice(0, 3).join(', ')}${rest}`,
  ]
}

/** Channels that were used with success and that no target claimed: one line each, with an example. */
function inherentOf(verdicts: readonly Verdict[]): readonly string[] {
  const seen = verdicts.flatMap((verdict) =>
    verdict.cells.flatMap(({ path, outcome, inherent }) =>
      outcome === 'inapplicable' && inherent !== undefined
        ? [{ probe: verdict.probe, path, ...inherent }]
        : [],
    ),
  )
  const byPath = new Map(seen.map((each) => [`${each.probe}:${each.path}`, each]))
  return [...byPath.values()].map(
    ({ path, channel, seen: what }) =>
      `${path}: open to tenants that run SQL of their own (${channel}): ${what}`,
  )
}
