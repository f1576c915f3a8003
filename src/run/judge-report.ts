/** A stored run judged again: today's judges on yesterday's observations, and what differs from what was said then. */

import { decide } from '../gate/decide.ts'
import type { GateRules } from '../gate/rules.ts'
import { WatertightError } from '../errors.ts'
import { coverageOf } from '../judge/coverage.ts'
import { findingsOf } from '../judge/findings.ts'
import type { Report } from '../model/report.ts'
import { worldKey } from '../model/tenancy.ts'
import type { Verdict } from '../model/verdict.ts'
import { verdictAfter, type LoadedProbe } from '../probe/ask.ts'
import { cellsAgain, type CellDifference } from './judge-cells.ts'
import type { Observations } from './store/read-observations.ts'

export interface Difference extends CellDifference {
  readonly probe: string
  readonly world: string
}

/** Cells that keep what was said of them then, and why they were not judged again. */
export interface Kept {
  readonly probe: string
  readonly world: string
  readonly cells: number
  readonly why: string
}

export interface JudgedAgain {
  readonly report: Report
  /** Cells that were judged from their observations. */
  readonly cells: number
  readonly differences: readonly Difference[]
  readonly kept: readonly Kept[]
}

export interface Judging {
  readonly observations: Observations
  readonly probes: readonly LoadedProbe[]
  readonly rules: GateRules
}

/** Pure: neither server nor disk. @throws WatertightError WATERTIGHT_NO_PROBE. */
export function judgeReport(report: Report, { observations, probes, rules }: Judging): JudgedAgain {
  const claims = claimsOf(report)
  const differences: Difference[] = []
  const kept: Kept[] = []
  let cells = 0
  const verdicts = report.verdicts.map((stored) => {
    const loaded = probes.find(({ id }) => id === stored.probe)
    if (loaded === undefined) throw noProbe(stored)
    const where = { probe: stored.probe, world: worldKey(stored.world) }
    const again = cellsAgain(loaded.probe, stored, { observations, claims })
    cells += again.judged
    differences.push(...again.differences.map((each) => ({ ...where, ...each })))
    kept.push(...again.kept.map((each) => ({ ...where, ...each })))
    if (again.differences.length === 0) return stored
    const { claim, source, severity, remedy } = loaded.probe
    return { ...verdictAfter(stored, again.cells, 0), claim, source, severity, remedy }
  })
  const undecided = {
    ...report,
    verdicts,
    findings: findingsOf(verdicts),
    coverage: coverageAgain(report, verdicts, told(report, cells, kept)),
  }
  return { report: { ...undecided, ...decide(undecided, rules) }, cells, differences, kept }
}

function claimsOf({ settings }: Report): ReadonlySet<string> {
  const value = settings['claims']?.value
  return new Set(Array.isArray(value) ? value.map(String) : [])
}

/** What was not asked stays so; what follows from the verdicts is counted anew. */
function coverageAgain(
  { coverage, verdicts: before, detector }: Report,
  verdicts: readonly Verdict[],
  said: string,
): Report['coverage'] {
  const unproven = new Set(
    (detector?.probes ?? []).filter(({ proven }) => !proven).map(({ probe }) => probe),
  )
  const plain = { poolers: [], untested: [], assumptions: [], unproven }
  const then = coverageOf(before, plain)
  const derived = new Set(then.assumptions)
  const now = coverageOf(verdicts, {
    ...plain,
    poolers: coverage.poolers,
    untested: coverage.untested,
    ...(coverage.filter === undefined ? {} : { filter: coverage.filter }),
    assumptions: [...coverage.assumptions.filter((each) => !derived.has(each)), said],
  })
  return { ...now, probesAsked: now.probesAsked + coverage.probesAsked - then.probesAsked }
}

function told({ run }: Report, cells: number, kept: readonly Kept[]): string {
  const probes = [...new Set(kept.map(({ probe }) => probe))]
  const rest =
    probes.length === 0
      ? ''
      : `; as they were stored, not judged again: ${kept.reduce((sum, each) => sum + each.cells, 0)} ` +
        `cells of ${probes.join(', ')}`
  return `Judged again from the observations of run ${run.id}: ${cells} cells${rest}.`
}

function noProbe({ probe }: Verdict): WatertightError {
  return new WatertightError('WATERTIGHT_NO_PROBE', `There is no probe ${probe} any more`, {
    hint: 'Use the version that made the run, or verify again',
  })
}
