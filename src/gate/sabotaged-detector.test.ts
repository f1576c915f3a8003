/** A detector that may be blind is never green, whatever it reports of itself. */

import { expect, test } from 'vitest'
import type { Report } from '../model/report.ts'
import { coverageOf } from '../judge/coverage.ts'
import { healthyReport } from '../../fixtures/records/build.ts'
import { decide } from './decide.ts'
import { defaultRules } from './rules.ts'

const healthy = healthyReport()
const detector = healthy.detector ?? { probes: [], build: { faults: [], parts: 0 } }
const sentenceOf = (report: Report) => decide(report, defaultRules).verdict

function withProof(change: Partial<(typeof detector.probes)[number]>): Report {
  const probes = detector.probes.map((each, index) => (index === 0 ? { ...each, ...change } : each))
  return { ...healthy, detector: { ...detector, probes } }
}

const [first] = detector.probes
const name = first?.probe ?? ''

test.each([
  ['a probe that killed nothing', withProof({ proven: false, reason: 'it saw nothing' })],
  [
    'a probe that nobody proved',
    { ...healthy, detector: { ...detector, probes: detector.probes.slice(1) } },
  ],
  ['a proof of nothing', { ...healthy, detector: { ...detector, probes: [] } }],
])('%s leaves the run inconclusive and is named', (_, report) => {
  const { exitCode, sentence } = sentenceOf(report)
  expect(exitCode).toBe(3)
  expect(sentence).toContain(name)
})

test.each([
  'suites/isolation/reads-foreign-rows is missing',
  'fixtures/mutants/x--y is missing',
  'fixtures/controls/x is not what was built',
  'suites/context/x was added',
])('%s: inconclusive, and said', (fault) => {
  const report = { ...healthy, detector: { ...detector, build: { faults: [fault], parts: 9 } } }
  expect(sentenceOf(report)).toMatchObject({ exitCode: 3 })
  expect(sentenceOf(report).sentence).toContain(fault)
})

test('verify alone needs no proof, and still says which suite is missing', () => {
  const run = { ...healthy.run, command: 'verify' }
  expect(sentenceOf({ ...healthy, run, detector: { ...detector, probes: [] } }).exitCode).toBe(0)
  const build = { faults: ['suites/isolation/x is missing'], parts: 9 }
  expect(sentenceOf({ ...healthy, run, detector: { ...detector, build } }).exitCode).toBe(3)
})

test.each(['cellsHeld', 'cellsTried', 'casesTried'] as const)(
  'a coverage that counts more %s than the verdicts have is inconclusive',
  (key) => {
    const coverage = { ...healthy.coverage, [key]: healthy.coverage[key] + 1 }
    expect(sentenceOf({ ...healthy, coverage }).exitCode).toBe(3)
  },
)

test('cells of a probe that is not proven are asked and unknown', () => {
  const given = { poolers: [], untested: [], assumptions: [] }
  const all = coverageOf(healthy.verdicts, given)
  const without = coverageOf(healthy.verdicts, { ...given, unproven: new Set([name]) })
  expect(without.cellsAsked).toBe(all.cellsAsked)
  expect(without.probesTried).toBeLessThan(all.probesTried)
  expect(all.cellsHeld - without.cellsHeld).toBeGreaterThan(0)
  expect(without.cellsUnknown - all.cellsUnknown).toBe(all.cellsHeld - without.cellsHeld)
})

test('connections that end all the time leave nothing proven, and a few are said', () => {
  const disturbed = (most: number) => {
    let left = most
    const verdicts = healthy.verdicts.map((verdict) =>
      verdict.world.variant === 'as-written'
        ? verdict
        : {
            ...verdict,
            cells: verdict.cells.map((cell) =>
              left-- > 0 ? { ...cell, askedAgain: true as const } : cell,
            ),
          },
    )
    const coverage = coverageOf(verdicts, { poolers: [], untested: [], assumptions: [] })
    return { report: { ...healthy, verdicts }, said: coverage.assumptions.join() }
  }
  expect(sentenceOf(disturbed(4).report).exitCode).toBe(0)
  expect(disturbed(4).said).toContain('Connections ended 4 times while something was asked')
  const { exitCode, sentence } = sentenceOf(disturbed(30).report)
  expect([exitCode, sentence]).toEqual([3, expect.stringContaining('had to be asked again')])
})
