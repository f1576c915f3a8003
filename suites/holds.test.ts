/**
 * The doors of the suites: one run of all of them on the reference platform, in both tenancies and both databases,
 * and what each suite says in it. CI names the report of the run that it has made anyway.
 */

import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { isAffected, serverDefects } from '../src/index.ts'
import type { Report } from '../src/model/report.ts'
import { complaintsOf, reportOf } from '../src/testing/door.ts'

let report: Report

beforeAll(async () => {
  const made = process.env['WATERTIGHT_TEST_REPORT']
  report =
    made === undefined
      ? await reportOf('verify')
      : (JSON.parse(readFileSync(made, 'utf8')) as Report)
}, 600_000)

/** What one suite said of the hardened platform: of the SQL as written it says that it leaks. */
function of(suite: string): Report {
  const verdicts = report.verdicts.filter(
    (each) => each.suite === suite && each.world.variant === 'hardened',
  )
  return { ...report, verdicts }
}

test.each(['isolation', 'context', 'catalog', 'service', 'operations'])(
  'every probe of the suite %s holds on the hardened platform',
  (suite) => {
    expect(complaintsOf(of(suite))).toEqual([])
  },
)

test('the installed server shows no repaired defect, and the platform keeps the others out of reach', () => {
  const { verdicts } = of('server')
  const known = serverDefects
    .filter((each) => isAffected(each, report.target.serverVersionNum))
    .map(({ id }) => id)
  const asked = new Set(verdicts.map(({ probe }) => probe))
  const findings = report.findings.filter(({ probe }) => asked.has(probe))
  expect(findings.map(({ object, severity }) => `${object} ${severity}`)).toEqual(
    known.map((id) => `${id} low`),
  )
  const rehearsed = verdicts
    .filter(({ basis, outcome }) => basis === 'executed' && outcome !== 'inapplicable')
    .flatMap(({ cells }) => cells)
  expect(rehearsed.length).toBeGreaterThan(known.length)
  expect(
    rehearsed.filter(({ object }) => !known.includes(object)).map(({ outcome }) => outcome),
  ).toEqual(Array.from({ length: rehearsed.length - known.length }, () => 'holds'))
  for (const id of known) expect(report.coverage.assumptions.join('\n')).toContain(id)
})

test('the run as a whole is green: nothing was left out and nothing is unknown', () => {
  const { verdict, coverage } = report
  expect([verdict.exitCode, coverage.cellsUnknown]).toEqual([0, 0])
})
