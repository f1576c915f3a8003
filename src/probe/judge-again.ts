/** Judges stored observations: the search of a cell as it was, with today's judge and without a server. */

import type { Witness } from '../model/observation.ts'
import type { CellVerdict, Counterexample } from '../model/verdict.ts'
import type { ProbeDefinition, Scene } from './define.ts'
import type { CellObservations, ObservedCase } from './observed.ts'
import { cellVerdict, isSlighter, plain } from './search.ts'
import { Tally } from './tally.ts'

/** Thrown by stored facts that are asked for more than facts: the judge needs a server. */
export class NeedsServer extends Error {}

interface Witnessed {
  readonly index: number
  readonly seen: ObservedCase
  readonly witness: Witness
}

/** @throws NeedsServer when the judge asks for more than what is stored. */
export function judgeAgain<Input>(
  { judge }: Pick<ProbeDefinition<Input>, 'judge'>,
  scene: Scene,
  observed: CellObservations,
): CellVerdict {
  const tally = new Tally()
  for (const control of observed.controls) tally.addControl(control)
  const witnesses = new Witnesses()
  const firstShrunk = observed.cases.findIndex(({ shrunk }) => shrunk === true)
  for (const [index, seen] of observed.cases.entries()) {
    const isShrunk = seen.shrunk === true
    // Smaller inputs were made from the witness of that time: of an earlier one they are no smaller form.
    if (witnesses.first !== null && (!isShrunk || witnesses.first.index < firstShrunk - 1)) continue
    const isCounted = witnesses.first === null && !isShrunk
    const { attempt } = seen
    if (attempt === null) {
      if (isCounted) tally.casesTried += 1
      if (isCounted) tally.addError(seen.error ?? 'the attempt failed')
      continue
    }
    let witness: Witness | null
    try {
      witness = judge(attempt, seen.input as Input, scene)
    } catch (error) {
      if (error instanceof NeedsServer) throw error
      if (isCounted) tally.casesTried += 1
      if (isCounted) tally.addError(error)
      continue
    }
    if (isCounted) tally.addAttempt(attempt)
    if (witness !== null) witnesses.add({ index, seen, witness })
  }
  return cellVerdict({
    cell: scene.cell,
    counterexample: counterexampleOf(witnesses, observed, {
      login: scene.world.application,
      cases: tally.casesTried,
    }),
    tally,
    runs: observed.runs,
    privilege: observed.privilege,
    replaying: observed.replaying,
    ofOneTenant: observed.ofOneTenant,
  })
}

/** The first witness and the last one that is as grave, as the search keeps them. */
class Witnesses {
  first: Witnessed | null = null
  last: Witnessed | null = null

  add(found: Witnessed): void {
    if (isSlighter(found.witness, this.last?.witness)) return
    this.first ??= found
    this.last = found
  }
}

function counterexampleOf(
  { first, last }: Witnesses,
  { course, seed, cases, fixed, examples }: CellObservations,
  { login, cases: tried }: { readonly login: string; readonly cases: number },
): Counterexample | null {
  if (first === null || last === null) return null
  const found = {
    input: plain(last.seen.input),
    steps: last.seen.attempt?.steps ?? [],
    witness: last.witness,
    login,
  }
  const firstAtTheTime = cases.findIndex(({ shrunk }) => shrunk === true) - 1
  const isFirstAgain =
    first.index === (firstAtTheTime >= 0 ? firstAtTheTime : cases.length - 1) ||
    first.seen.shrunk === true
  if (course !== null && isFirstAgain) return { ...found, ...course }
  // Another witness than that of the search: its own place in the order of the cases, as it was tried.
  const place = first.index < examples ? first.index : first.index - examples + fixed
  return {
    ...found,
    replay: { seed, path: String(place), replayPath: null },
    shrinks: 0,
    casesToWitness: tried,
    msToWitness: 0,
  }
}
