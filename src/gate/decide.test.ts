/** Exit codes: a proven leak stays proven, and nothing missing ever opens a gate. */

import { describe, expect, test } from 'vitest'
import type { Report } from '../model/report.ts'
import type { Verdict } from '../model/verdict.ts'
import { healthyReport, leakingReport, partialReport } from '../../fixtures/records/build.ts'
import { decide } from './decide.ts'
import { defaultRules, rulesFrom } from './rules.ts'

const healthy = healthyReport()
const leaking = leakingReport()

function exitCode(report: Report, rules = defaultRules): number {
  return decide(report, rules).verdict.exitCode
}

/** The healthy report with its first judged verdict changed. */
function withVerdict(change: Partial<Verdict>): Report {
  const [first, ...others] = healthy.verdicts
  if (first === undefined) throw new Error('the record has no verdict')
  return { ...healthy, verdicts: [{ ...first, ...change }, ...others] }
}

function withRun(report: Report, run: Partial<Report['run']>): Report {
  return { ...report, run: { ...report.run, ...run } }
}

test('a complete healthy run is 0 and every gate is open', () => {
  const { gates, verdict } = decide(healthy, defaultRules)
  expect(verdict).toMatchObject({ word: 'holds', exitCode: 0 })
  expect(gates.map((gate) => [gate.kind, gate.state])).toEqual([
    ['isolation', 'open'],
    ['coverage', 'open'],
    ['detector', 'open'],
    ['performance', 'open'],
  ])
})

describe('a leak', () => {
  test('is 1', () => {
    expect(exitCode(leaking)).toBe(1)
  })
  test('is 1 whatever cut the run short', () => {
    for (const by of ['bug', 'signal', 'server', 'time', 'error'] as const) {
      expect(exitCode(withRun(leaking, { partial: true, cutShortBy: { by, text: by } }))).toBe(1)
    }
  })
  test('of the as-written variant is reported only', () => {
    expect(healthy.findings.length).toBeGreaterThan(0)
    const findings = healthy.findings.map((each) => ({ ...each, severity: 'critical' as const }))
    expect(exitCode({ ...healthy, findings })).toBe(0)
  })
  test('below the limit is reported only', () => {
    const low = {
      ...leaking,
      findings: leaking.findings.map((each) => ({ ...each, severity: 'low' as const })),
    }
    expect(decide(low, rulesFrom({ maxHardenedOverhead: 3 })).verdict.exitCode).toBe(0)
    expect(exitCode(low, rulesFrom({ failOn: 'low' }))).toBe(1)
    expect(exitCode(leaking, rulesFrom({ failOn: 'never', maxHardenedOverhead: 3 }))).toBe(0)
  })
  test('whose finding was lost is still 1', () => {
    expect(exitCode({ ...leaking, findings: [] })).toBe(1)
  })
})

describe('inconclusive, 3', () => {
  test.each<[string, Report]>([
    ['a run whose server died', partialReport()],
    [
      'no verdict at all',
      { ...healthy, verdicts: [], coverage: { ...healthy.coverage, casesTried: 0, cellsTried: 0 } },
    ],
    ['an unknown verdict', withVerdict({ outcome: 'unknown', reason: 'timed out' })],
    [
      'a cell that is unknown',
      withVerdict({
        cells:
          healthy.verdicts[0]?.cells.map((cell, index) =>
            index === 0 ? { ...cell, outcome: 'unknown' } : cell,
          ) ?? [],
      }),
    ],
    [
      'a verdict of holds without a case',
      withVerdict({ evidence: { ...evidenceOf(healthy), casesTried: 0 } }),
    ],
    [
      'a verdict of holds with indeterminate attempts',
      withVerdict({ evidence: { ...evidenceOf(healthy), indeterminate: 1 } }),
    ],
    [
      'a verdict of holds about a pool that shared no backend',
      withVerdict({ evidence: { ...evidenceOf(healthy), sharedBackends: 0 } }),
    ],
    [
      'a verdict of holds whose controls saw nothing',
      withVerdict({ evidence: { ...evidenceOf(healthy), controlsSeen: 0 } }),
    ],
    [
      'a planned probe that did not run',
      { ...healthy, coverage: { ...healthy.coverage, probesTried: 11 } },
    ],
    ['no mutant', { ...healthy, mutants: { total: 0, killed: 0, survived: [], kills: [] } }],
    [
      'a survivor',
      {
        ...healthy,
        mutants: { ...healthy.mutants, survived: [{ id: 'm', title: 'm', reason: 'r' }] },
      },
    ],
    [
      'a noisy control',
      {
        ...healthy,
        controls: { ...healthy.controls, noisy: [{ id: 'c', title: 'c', reason: 'r' }] },
      },
    ],
    ['no measurement', { ...healthy, measurements: [] }],
    [
      'a measurement without a number',
      { ...healthy, measurements: healthy.measurements.map((each) => ({ ...each, ratio: NaN })) },
    ],
    [
      'a hardened form too slow to be sampled',
      { ...healthy, measurements: healthy.measurements.map((each) => ({ ...each, capped: true })) },
    ],
  ])('%s', (_, report) => {
    expect(exitCode(report)).toBe(3)
  })

  test('an as-written verdict that is unknown does not count', () => {
    const verdicts = healthy.verdicts.map((each) =>
      each.world.variant === 'as-written' ? { ...each, outcome: 'unknown' as const } : each,
    )
    expect(exitCode({ ...healthy, verdicts })).toBe(0)
  })
  test('a pooler that was not tested counts under strict rules only', () => {
    expect(exitCode(healthy)).toBe(0)
    expect(exitCode(healthy, rulesFrom({ strict: true }))).toBe(3)
  })
})

test.each<[number, Report['run']['cutShortBy']]>([
  [130, { by: 'signal', signal: 'SIGINT', text: 'the user' }],
  [143, { by: 'signal', signal: 'SIGTERM', text: 'the user' }],
  [70, { by: 'bug', text: 'verify: Cannot read properties of undefined' }],
  [3, { by: 'server', text: 'SIGINT' }],
  [3, { by: 'time', text: 'internal error' }],
  [3, { by: 'error', text: 'SIGTERM' }],
])('exit code %d follows from what cut the run short, not from its text', (code, cutShortBy) => {
  expect(exitCode(withRun(healthy, { partial: true, cutShortBy }))).toBe(code)
})

describe('speed', () => {
  const slow = (low: number): Report => ({
    ...healthy,
    measurements: healthy.measurements.map((each) =>
      each.variant === 'hardened'
        ? { ...each, ratio: 2.5, interval: { low, high: 3, level: 0.95 } }
        : each,
    ),
  })
  test('is 4 when the whole interval is above the limit', () => {
    expect(exitCode(slow(2.1))).toBe(4)
  })
  test('is 0 when the interval reaches down to it', () => {
    expect(exitCode(slow(1.9))).toBe(0)
  })
  test('never outranks an open question', () => {
    expect(
      exitCode({ ...slow(2.1), mutants: { total: 0, killed: 0, survived: [], kills: [] } }),
    ).toBe(3)
  })
})

test('a command that does a part of the job answers for that part', () => {
  const bare = {
    ...healthy,
    measurements: [],
    mutants: { total: 0, killed: 0, survived: [], kills: [] },
  }
  expect(decide(withRun(bare, { command: 'verify' }), defaultRules)).toMatchObject({
    verdict: { exitCode: 0 },
    gates: [{ kind: 'isolation' }, { kind: 'coverage' }],
  })
  expect(exitCode(withRun({ ...healthy, verdicts: [] }, { command: 'prove' }))).toBe(0)
  expect(exitCode(withRun(bare, { command: 'prove' }))).toBe(3)
  expect(exitCode(withRun(bare, { command: 'constructor' }))).toBe(3)
})

function evidenceOf(report: Report): Verdict['evidence'] {
  const evidence = report.verdicts[0]?.evidence
  if (evidence === undefined) throw new Error('the record has no verdict')
  return evidence
}
