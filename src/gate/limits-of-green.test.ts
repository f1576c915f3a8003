/** Green about a part, or about a server nobody looked at, says so in the word and in the sentence. */

import { expect, test } from 'vitest'
import type { Report } from '../model/report.ts'
import { healthyReport } from '../../fixtures/records/build.ts'
import { renderMarkdown } from '../report/markdown.ts'
import { renderSummary } from '../report/console.ts'
import { renderHtml } from '../report/html/render.tsx'
import { decide } from './decide.ts'
import { rulesFrom } from './rules.ts'

const healthy = healthyReport()
const filtered: Report = {
  ...healthy,
  coverage: { ...healthy.coverage, filter: { probes: 4, of: 170, grep: 'reads' } },
}
const named: Report = {
  ...healthy,
  target: { ...healthy.target, kind: 'named', unexamined: ['customer_db', 'x\u202e<b>'] },
}

test('a part of the probes is inconclusive, unless a part is asked for', () => {
  expect(decide(filtered, rulesFrom({})).verdict).toMatchObject({
    exitCode: 3,
    sentence: expect.stringContaining('Only 4 of 170 probes were asked (--grep reads)'),
  })
  expect(decide(filtered, rulesFrom({ allowPartial: true })).verdict).toMatchObject({
    word: 'holds (filtered: 4 of 170 probes)',
    exitCode: 0,
    sentence: expect.stringContaining('Only 4 of 170 probes were asked'),
  })
})

test('a leak outranks the filter', () => {
  const findings = healthy.findings.map((each) => ({
    ...each,
    gating: true,
    severity: 'critical' as const,
  }))
  expect(decide({ ...filtered, findings }, rulesFrom({})).verdict.exitCode).toBe(1)
})

test('what was left out stands in the sentence: the detector, poolers', () => {
  const verify = { ...healthy, run: { ...healthy.run, command: 'verify' } }
  const { word, sentence } = decide(verify, rulesFrom({})).verdict
  expect(word).toBe('holds')
  expect(sentence).toContain('The detector was not proven')
  expect(sentence).toContain('pgbouncer, transaction mode was not tested')
})

test('a named server holds for the reference platform, and its databases are named in every format', () => {
  const report = { ...named, ...decide(named, rulesFrom({})) }
  expect(report.verdict.word).toBe('holds (reference platform)')
  const console = renderSummary(report, { color: false, width: 200 })
  for (const text of [console, renderMarkdown(report), renderHtml(report)]) {
    expect(text).toContain('databases of this server were not examined')
  }
  expect(console).not.toContain('\u202e')
  expect(console).toContain('HOLDS (REFERENCE PLATFORM)')
})
