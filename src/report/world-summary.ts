/** One row of numbers per world: what the terminal, the job summary and the page all show. */

import type { Report } from '../model/report.ts'
import { worldKey, type WorldId } from '../model/tenancy.ts'
import type { Outcome, Verdict } from '../model/verdict.ts'
import { groupBy } from './group-by.ts'

export interface WorldSummary {
  readonly world: WorldId
  readonly key: string
  readonly verdicts: readonly Verdict[]
  readonly probes: number
  /** Cells that apply, and those of them that were tried. */
  readonly cellsAsked: number
  readonly cellsTried: number
  readonly cases: number
  readonly leaks: number
  readonly outcomes: Readonly<Record<Outcome, number>>
}

/** Judged worlds first, in the order in which the run reached them. */
export function worldSummaries(report: Report): WorldSummary[] {
  const byWorld = groupBy(report.verdicts, (verdict) => worldKey(verdict.world))
  return [...byWorld]
    .flatMap(([key, verdicts]) => {
      const world = verdicts[0]?.world
      return world === undefined ? [] : [summaryOf(key, world, verdicts)]
    })
    .sort((a, b) => Number(isAsWritten(a)) - Number(isAsWritten(b)))
}

export function isAsWritten({ world }: { readonly world: WorldId }): boolean {
  return world.variant === 'as-written'
}

function summaryOf(key: string, world: WorldId, verdicts: readonly Verdict[]): WorldSummary {
  const cells = verdicts.flatMap((verdict) => verdict.cells)
  const count = (outcome: Outcome) => cells.filter((cell) => cell.outcome === outcome).length
  const applicable = cells.filter((cell) => cell.outcome !== 'inapplicable')
  return {
    world,
    key,
    verdicts,
    probes: verdicts.filter((verdict) => verdict.outcome !== 'inapplicable').length,
    cellsAsked: applicable.length,
    cellsTried: applicable.filter((cell) => cell.evidence.casesTried > 0).length,
    cases: verdicts.reduce((total, verdict) => total + verdict.evidence.casesTried, 0),
    leaks: count('violated'),
    outcomes: {
      violated: count('violated'),
      unknown: count('unknown'),
      holds: count('holds'),
      inapplicable: count('inapplicable'),
    },
  }
}
