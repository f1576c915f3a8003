/** The page is a pure function of the report: same bytes, no value as markup, gaps are shown. */

import { expect, test } from 'vitest'
import { cell, probes, verdictOf, worlds } from '../../../fixtures/records/parts.ts'
import { healthyReport, leakingReport, partialReport } from '../../../fixtures/records/build.ts'
import { renderHtml } from './render.tsx'

test('twice the same report gives the same bytes', () => {
  expect(renderHtml(leakingReport())).toBe(renderHtml(leakingReport()))
})

test('no value becomes markup, style or a deceptive character', () => {
  const html = renderHtml(leakingReport())
  expect(html.match(/<\/script>/g)).toHaveLength(2)
  expect(html).not.toMatch(/<img|<\/pre><\/details>\\n|style="/)
  const visiblePart = html.replace(/<script type="application\/json"[^]*?<\/script>/, '')
  // eslint-disable-next-line no-control-regex -- these are the characters that must not occur
  expect(visiblePart).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202a-\u202e]/)
})

test('the policy names the hashes of exactly the one style and the one script', () => {
  const html = renderHtml(healthyReport())
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1]
  expect(policy).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; img-src data:;/,
  )
  expect(policy).not.toContain('unsafe')
})

test('a cell that no probe asked about reads as not tested, an unknown one says why', () => {
  const [probe] = probes
  const [world] = worlds
  if (probe === undefined || world === undefined) throw new Error('the parts changed')
  const verdict = verdictOf(probe, world, [
    cell('a', 'SELECT'),
    cell('b', 'UPDATE', { outcome: 'unknown', reason: 'statement_timeout struck' }),
  ])
  const html = renderHtml({ ...healthyReport(), verdicts: [verdict] })
  expect(html.match(/<td class="untested">not tested<\/td>/g)).toHaveLength(2)
  expect(html).toMatch(/<td class="unknown"[^>]*>\? <bdi>statement_timeout struck/)
})

test('a report without verdicts, measurements and timeline says so', () => {
  const html = renderHtml({
    ...partialReport(),
    verdicts: [],
    findings: [],
    measurements: [],
    plans: [],
    timeline: [],
  })
  for (const text of ['No world was judged', 'Nothing was measured', 'the detector is unproven']) {
    expect(html).toContain(text)
  }
})
