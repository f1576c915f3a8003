/** What makes a detector doubtful, as sentences: unproven probes, parts that differ, counts that do not add up. */

import type { ProbeProof } from '../model/detector.ts'
import type { Undecided } from './decide.ts'

/** A probe that killed no mutant of its own is not counted, and named; so is one that nobody tried to prove. */
export function unprovenIn({ detector, run, verdicts }: Undecided): string[] {
  const proofs = detector?.probes ?? []
  const holding = verdicts.filter(
    ({ outcome, world }) => outcome === 'holds' && world.variant !== 'as-written',
  )
  const forgotten =
    run.command !== 'run'
      ? []
      : [...new Set(holding.map(({ probe }) => probe))].filter((id) =>
          proofs.every(({ probe }) => probe !== id),
        )
  return [
    ...failed(proofs),
    ...forgotten.map((id) => `${id} is not proven, so its cells are not counted: nobody tried to`),
  ]
}

function failed(proofs: readonly ProbeProof[]): string[] {
  return proofs
    .filter(({ proven }) => !proven)
    .map(({ probe, reason }) => `${probe} is not proven, so its cells are not counted: ${reason}`)
}

/** Probes that are missing, changed or added: what was asked is not what the build asks. */
export function faultsOfProbes({ detector }: Undecided): string[] {
  return (detector?.build.faults ?? [])
    .filter((fault) => fault.startsWith('suites/') || fault.startsWith('the manifest'))
    .map((fault) => `The detector is not the one that was built: ${fault}`)
}

export function faultsOfBuild({ detector }: Undecided): string[] {
  return (detector?.build.faults ?? []).map(
    (fault) => `The detector is not the one that was built: ${fault}`,
  )
}

/** The numbers of the coverage are counted again from the verdicts. */
export function miscounted({ coverage, verdicts, detector }: Undecided): string[] {
  const blind = new Set(
    (detector?.probes ?? []).filter(({ proven }) => !proven).map(({ probe }) => probe),
  )
  const judged = verdicts.filter(({ world }) => world.variant !== 'as-written')
  const cells = judged.flatMap(({ probe, cells: all }) => all.map((cell) => ({ probe, cell })))
  const held = cells.filter(({ probe, cell }) => cell.outcome === 'holds' && !blind.has(probe))
  const tried = cells.filter(
    ({ cell }) => cell.outcome !== 'inapplicable' && cell.evidence.casesTried > 0,
  )
  const asked = cells.filter(({ cell }) => cell.outcome !== 'inapplicable')
  const cases = judged.reduce((sum, { evidence }) => sum + evidence.casesTried, 0)
  const counts: readonly (readonly [string, number, number])[] = [
    ['cells that hold', coverage.cellsHeld, held.length],
    ['cells that were tried', coverage.cellsTried, tried.length],
    ['cases', coverage.casesTried, cases],
  ]
  const wrong = counts.filter(([, said, most]) => said > most)
  return [
    ...wrong.map(
      ([what, said, most]) => `The coverage counts ${said} ${what}, the verdicts ${most}`,
    ),
    ...(coverage.cellsAsked < asked.length
      ? [`The coverage asks ${coverage.cellsAsked} cells, the verdicts ${asked.length}`]
      : []),
  ]
}
