/** What the verdicts on one clone say of the mutant or control that was planted in it. */

import type { KillWitness } from '../../model/detector.ts'
import type { Kill } from '../../model/report.ts'
import type { Verdict } from '../../model/verdict.ts'
import { kills, witnessOf } from './kill-witness.ts'
import type { Mutant } from './mutant.ts'

export interface Trial {
  readonly kill: Kill | null
  readonly reason: string
  readonly silent: boolean
  /** What the probe whose own mutant it is saw by itself; null when it saw nothing, or no probe is named. */
  readonly own: KillWitness | null
}

/** A trial that says nothing: the mutant counts as a survivor, the control as noisy. */
export function untried(reason: string): Trial {
  return { kill: null, reason, silent: false, own: null }
}

export function judgeMutant(
  mutant: Mutant,
  verdicts: readonly Verdict[],
  elapsedMs: number,
): Trial {
  const killer = verdicts.find((verdict) => kills(mutant, verdict))
  const named = verdicts.find(
    ({ probe, outcome }) => probe === mutant.probe && outcome === 'violated',
  )
  const own = named === undefined ? null : witnessOf(named)
  if (killer === undefined) return { ...untried(surviving(verdicts)), own }
  const cases = verdicts.reduce((total, { evidence }) => total + evidence.casesTried, 0)
  return {
    silent: false,
    own,
    reason: killer.reason,
    kill: {
      id: mutant.id,
      title: mutant.title,
      class: mutant.class,
      probe: killer.probe,
      basis: killer.basis,
      cases,
      ms: Math.round(elapsedMs),
      witness: witnessOf(killer),
    },
  }
}

function surviving(verdicts: readonly Verdict[]): string {
  const predicted = verdicts.find(({ outcome }) => outcome === 'violated')
  if (predicted !== undefined)
    return `no attack showed it; the catalogue predicts it by ${predicted.probe}: ${predicted.reason}`
  const unknown = verdicts.find(({ outcome }) => outcome === 'unknown')
  if (unknown !== undefined) return `nothing was found, and ${unsure(unknown)}`
  const cases = verdicts.reduce((total, { evidence }) => total + evidence.casesTried, 0)
  return `nothing was found in ${cases} cases of ${verdicts.length} probes`
}

/** With the first answer that was neither rows nor a refusal: it says more than their number. */
function unsure({ probe, reason, cells }: Verdict): string {
  const [answer] = cells.flatMap(({ indeterminate }) => indeterminate)
  const first = answer === undefined ? '' : ` (${answer.message}: ${answer.sql.slice(0, 120)})`
  return `${probe} is unknown: ${reason}${first}`
}

export function judgeControl(verdicts: readonly Verdict[]): Trial {
  const serious = verdicts.flatMap((verdict) =>
    verdict.cells
      .filter(
        ({ outcome, counterexample }) =>
          outcome === 'violated' &&
          !['low', 'info'].includes(counterexample?.witness.severity ?? verdict.severity),
      )
      .map(({ reason }) => `${verdict.probe}: ${reason}`),
  )
  const unknown = verdicts.find(({ outcome }) => outcome === 'unknown')
  const reason = serious[0] ?? (unknown === undefined ? 'silent' : unsure(unknown))
  return {
    kill: null,
    own: null,
    silent: serious.length === 0 && unknown === undefined && verdicts.length > 0,
    reason,
  }
}
