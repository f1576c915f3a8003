/** The gate of the detector itself: it must see planted defects and stay silent on correct shapes. */

import type { GateResult } from '../model/report.ts'
import type { Undecided } from './decide.ts'
import { faultsOfBuild, unprovenIn } from './detector-doubts.ts'
import type { GateRules } from './rules.ts'

/** Null when the rules do not ask for it and nothing was proven. */
export function detectorGate(input: Undecided, rules: GateRules): GateResult | null {
  const { mutants, controls } = input
  const gate = {
    id: 'detector',
    kind: 'detector' as const,
    expression: 'mutants survived == 0 and controls noisy == 0',
  }
  if (mutants.total === 0) {
    if (!rules.requireMutants) return null
    return {
      ...gate,
      value: 'missing',
      state: 'undecided',
      reason: 'No mutant was tried, so the detector is unproven',
    }
  }
  if (input.run.command === 'run' && (input.detector?.probes.length ?? 0) === 0) {
    return {
      ...gate,
      value: 'missing',
      state: 'undecided',
      reason: 'No probe killed a mutant of its own, so the detector is unproven',
    }
  }
  const value = `${mutants.killed} of ${mutants.total} killed, ${controls.silent} of ${controls.total} silent`
  const faults = [
    ...mutants.survived.map((each) => `The mutant ${each.id} survived: ${each.reason}`),
    ...controls.noisy.map((each) => `The control ${each.id} is not silent: ${each.reason}`),
  ]
  faults.push(...generatedFaults(input))
  const first = faults[0]
  if (first !== undefined) {
    const more = faults.length > 1 ? `, and ${faults.length - 1} more` : ''
    return { ...gate, value, state: 'shut', reason: `${first}${more}` }
  }
  const doubts = [...faultsOfBuild(input), ...unprovenIn(input)]
  const doubt = doubts[0]
  if (doubt !== undefined) {
    const more = doubts.length > 1 ? `, and ${doubts.length - 1} more` : ''
    return { ...gate, value, state: 'undecided', reason: `${doubt}${more}` }
  }
  if (mutants.killed < mutants.total || controls.silent < controls.total) {
    return {
      ...gate,
      value,
      state: 'undecided',
      reason: 'Not every mutant and control has a result',
    }
  }
  return { ...gate, value, state: 'open', reason: `All ${mutants.total} mutants were killed` }
}

/** What is aimed at: a detector that sees only what it was made for is not proven. */
const killedMin = 0.95

/** A small sample with a survivor leaves the aim possible; a share that is surely below it does not. */
function generatedFaults({ generated }: Undecided): readonly string[] {
  if (generated === undefined || generated.interval.high >= killedMin) return []
  const { killed, reaching, interval } = generated
  return [
    `Only ${killed} of ${reaching} generated mutants were killed: at most ` +
      `${(interval.high * 100).toFixed(1)} % of their kinds are seen, ${killedMin * 100} % are aimed at`,
  ]
}
