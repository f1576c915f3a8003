/** Weighs a report against the rules: open or shut, the sentence, and the exit code that follows. */

import { verdictWords, type ExitCode, type GateResult, type Report } from '../model/report.ts'
import { coverageGate } from './coverage-gate.ts'
import { detectorGate } from './detector-gate.ts'
import { isolationGate } from './isolation-gate.ts'
import { performanceGate } from './performance-gate.ts'
import type { GateRules } from './rules.ts'

/** A report before it was decided. */
export type Undecided = Omit<Report, 'verdict' | 'gates'>

export interface Decision {
  readonly gates: GateResult[]
  readonly verdict: Report['verdict']
}

type GateKind = GateResult['kind']

/** Gates of a command that does a part of the job; any other command answers to all of them. */
const gatesOfCommand: Readonly<Record<string, readonly GateKind[]>> = {
  verify: ['isolation', 'coverage'],
  prove: ['detector'],
  bench: ['performance'],
}
const allGates: readonly GateKind[] = ['isolation', 'coverage', 'detector', 'performance']

const gateOf: Readonly<
  Record<GateKind, (input: Undecided, rules: GateRules) => GateResult | null>
> = {
  isolation: isolationGate,
  coverage: coverageGate,
  detector: detectorGate,
  performance: performanceGate,
}

/**
 * Exit codes by DESIGN section 8: 1 > 70 > interrupted > 3 > 4 > 0; no missing value opens a gate. `further`
 * are gates that the record alone cannot answer, such as its age.
 */
export function decide(
  input: Undecided,
  rules: GateRules,
  further: readonly GateResult[] = [],
): Decision {
  const kinds = Object.hasOwn(gatesOfCommand, input.run.command)
    ? (gatesOfCommand[input.run.command] ?? allGates)
    : allGates
  const gates = [...kinds.flatMap((kind) => gateOf[kind](input, rules) ?? []), ...further]
  const exitCode = exitCodeOf(input, gates)
  return {
    gates,
    verdict: { word: wordOf(input, exitCode), exitCode, sentence: sentenceOf(input, gates) },
  }
}

/** A word that holds names its limits: a part of the probes, and a server of which only our own databases were seen. */
function wordOf({ coverage, target }: Undecided, exitCode: ExitCode): string {
  const word = verdictWords[exitCode]
  const limits = [
    ...(target.kind === 'named' ? ['reference platform'] : []),
    ...(coverage.filter
      ? [`filtered: ${coverage.filter.probes} of ${coverage.filter.of} probes`]
      : []),
  ]
  return exitCode === 0 && limits.length > 0 ? `${word} (${limits.join('; ')})` : word
}

function exitCodeOf(input: Undecided, gates: readonly GateResult[]): ExitCode {
  const { partial, cutShortBy } = input.run
  const shut = (kind: GateKind) => gates.some((gate) => gate.kind === kind && gate.state === 'shut')
  if (shut('isolation')) return 1
  if (cutShortBy?.by === 'bug') return 70
  if (cutShortBy?.by === 'signal') return cutShortBy.signal === 'SIGTERM' ? 143 : 130
  if (partial || cutShortBy !== null || gates.length === 0) return 3
  if (shut('coverage') || shut('detector') || gates.some((gate) => gate.state === 'undecided'))
    return 3
  return shut('performance') ? 4 : 0
}

function sentenceOf(input: Undecided, gates: readonly GateResult[]): string {
  const { cutShortBy } = input.run
  const cut = cutShortBy === null ? '' : `The run was cut short (${cutShortBy.text}). `
  const closed = gates.filter((gate) => gate.state !== 'open')
  const worst = closed.find((gate) => gate.state === 'shut') ?? closed[0]
  if (worst !== undefined) {
    const more =
      closed.length > 1 ? ` (${closed.length} of ${gates.length} gates are not open)` : ''
    return `${cut}${worst.reason}${more}`
  }
  return `${cut}${openSentence(input, gates)}`
}

function openSentence(input: Undecided, gates: readonly GateResult[]): string {
  if (gates.length === 0) return 'No gate was asked'
  const isolation = gates.find((gate) => gate.kind === 'isolation')
  if (isolation === undefined) return gates.map((gate) => gate.reason).join('; ')
  const { casesTried, cellsTried, probesTried } = input.coverage
  const low = input.findings.filter((finding) => finding.gating).length
  const reached =
    low === 0
      ? 'No tenant reached another tenant’s data'
      : `Nothing at or above the limit was found; ${low} lesser ${low === 1 ? 'finding is' : 'findings are'} reported`
  const asked = `${casesTried.toLocaleString('en-US')} cases of ${probesTried} probes on ${cellsTried} cells`
  return [`${reached}: ${asked}`, ...limitsOf(input, gates)].join('. ')
}

/** What a green sentence does not cover. */
function limitsOf(
  { coverage, target }: Undecided,
  gates: readonly GateResult[],
): readonly string[] {
  const { filter, poolers } = coverage
  return [
    ...(filter
      ? [`Only ${filter.probes} of ${filter.of} probes were asked (--grep ${filter.grep})`]
      : []),
    ...(gates.some(({ kind }) => kind === 'detector') ? [] : ['The detector was not proven']),
    ...poolers
      .filter(({ tested }) => !tested)
      .map(({ title, reason }) => `${title} was not tested: ${reason}`),
    ...(target.kind === 'named'
      ? ['Of this server the reference platform alone was examined']
      : []),
  ]
}
