/** The terminal summary: fits its width, says the exit code, and no value can steer the terminal. */

import { expect, test } from 'vitest'
import { healthyReport, leakingReport, partialReport } from '../../fixtures/records/build.ts'
import { renderSummary } from './console.ts'

const plain = { color: false, width: 80 }

test('a healthy run says so, and how to test what was not', () => {
  const text = renderSummary(healthyReport(), plain)
  expect(text).toContain('HOLDS  exit 0')
  expect(text).toContain('4/4 mutants killed of 2 classes, 8/8 controls')
  expect(text).toMatch(/pgbouncer, transaction mode: not tested; to test it:/)
  expect(text).toMatch(/17 findings\s\(17 critical\)/)
})

test('a leak comes with its replay line and stands before the gates', () => {
  const text = renderSummary(leakingReport(), plain)
  expect(text).toContain('VIOLATED  exit 1')
  expect(text).toMatch(/✗ critical {2}isp_customers, SELECT, row-level-security\n {2}Tenant/)
  expect(text).toContain('  watertight replay reads-foreign-rows-f03bd953\n')
})

test('more than ten findings are counted, not listed', () => {
  const report = leakingReport()
  const finding = report.findings[0]
  if (finding === undefined) throw new Error('the record has no finding')
  const text = renderSummary(
    { ...report, findings: Array.from({ length: 25 }, () => finding) },
    plain,
  )
  expect(text.match(/watertight replay/g)).toHaveLength(10)
  expect(text).toContain('… and 15 more findings in report.html')
})

test.each([healthyReport, leakingReport, partialReport])(
  'no line is wider than the terminal',
  (build) => {
    for (const width of [80, 60]) {
      for (const line of renderSummary(build(), { color: false, width }).split('\n')) {
        expect([...line].length, line).toBeLessThanOrEqual(width)
      }
    }
  },
)

test('control and direction characters of a tenant are shown, not sent', () => {
  // eslint-disable-next-line no-control-regex -- these are the characters that must not occur
  const forbidden = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/
  const text = renderSummary(leakingReport(), plain)
  expect(text).not.toMatch(forbidden)
  expect(text).toContain('\\u{1b}[31mred')
})

test('colour is added only when asked for, and changes no text', () => {
  const coloured = renderSummary(leakingReport(), { color: true, width: 80 })
  expect(coloured).toContain('\u001b[31m')
  // eslint-disable-next-line no-control-regex -- strips exactly what was added
  expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(renderSummary(leakingReport(), plain))
})
