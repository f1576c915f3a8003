/** Verdicts of one world as a matrix of object and path, several probes merged into one cell. */

import type { Finding } from '../model/finding.ts'
import { outcomes, type CellVerdict, type Outcome, type Verdict } from '../model/verdict.ts'
import { groupBy } from './group-by.ts'
import { isPoolMatrix } from './pool-matrix.ts'

export interface MatrixCell {
  readonly outcome: Outcome
  readonly violations: number
  readonly cases: number
  readonly reason: string
  readonly probes: readonly string[]
  /** Finding to jump to; null when it has none. */
  readonly findingId: string | null
}

export interface Matrix {
  readonly paths: readonly string[]
  /** A null is a combination that no probe asked about. */
  readonly rows: readonly {
    readonly object: string
    readonly cells: readonly (MatrixCell | null)[]
  }[]
}

interface Asked {
  readonly probe: string
  readonly cell: CellVerdict
}

/** Rows and columns in the order in which the probes asked. */
export function matrixOf(verdicts: readonly Verdict[], findings: readonly Finding[]): Matrix {
  const asked = verdicts
    .filter((verdict) => !isPoolMatrix(verdict))
    .flatMap((verdict) => verdict.cells.map((cell) => ({ probe: verdict.probe, cell })))
  const paths = [...new Set(asked.map(({ cell }) => cell.path))]
  // Findings are sorted worst first and the last entry of a Map wins, hence the reversal.
  const idByCell = new Map(
    findings
      .toReversed()
      .map((finding) => [JSON.stringify([finding.object, finding.command]), finding.id]),
  )
  const rows = [...groupBy(asked, ({ cell }) => cell.object)].map(([object, ofObject]) => {
    const byPath = groupBy(ofObject, ({ cell }) => cell.path)
    return {
      object,
      cells: paths.map((path) => {
        const group = byPath.get(path)
        return group === undefined
          ? null
          : merged(group, idByCell.get(JSON.stringify([object, path])) ?? null)
      }),
    }
  })
  return { paths, rows }
}

function merged(group: readonly Asked[], findingId: string | null): MatrixCell {
  const outcome =
    outcomes.find((each) => group.some(({ cell }) => cell.outcome === each)) ?? 'unknown'
  const decisive = group.filter(({ cell }) => cell.outcome === outcome)
  return {
    outcome,
    findingId,
    violations: group.filter(({ cell }) => cell.outcome === 'violated').length,
    cases: group.reduce((total, { cell }) => total + cell.evidence.casesTried, 0),
    reason: decisive[0]?.cell.reason ?? '',
    probes: [...new Set(decisive.map(({ probe }) => probe))],
  }
}
