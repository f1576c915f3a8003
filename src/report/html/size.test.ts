/** A big run is still a page one can open: it says what it leaves out instead of growing. */

import { expect, test } from 'vitest'
import { decide } from '../../gate/decide.ts'
import { defaultRules } from '../../gate/rules.ts'
import { findingsOf } from '../../judge/findings.ts'
import type { Report } from '../../model/report.ts'
import { leakingReport } from '../../../fixtures/records/build.ts'
import { cell, leakingCell, probes, verdictOf, worlds } from '../../../fixtures/records/parts.ts'
import { renderHtml } from './render.tsx'

const rows = Array.from({ length: 50 }, (_, index) => ({
  id: `7c1e9a4f-0000-8000-8000-${String(index).padStart(12, '0')}`,
  tenant_id: 'globex-456',
  email: `maria.lopez.${index}@example.net`,
  notes: 'x'.repeat(200),
}))

/** So many cells in each of six worlds, up to 200 of them violated, 50 rows behind each. */
function bigReport(cells = 500): Report {
  const [probe] = probes
  if (probe === undefined) throw new Error('the parts changed')
  const verdicts = worlds.map((world, at) =>
    verdictOf(
      probe,
      world,
      Array.from({ length: cells }, (_, index) => {
        const [object, path] = [`table_number_${Math.floor(index / 10)}`, `path ${index % 10}`]
        const leaks = index < Math.floor(cells / 15) + (at < 2 ? 1 : 0)
        return leaks
          ? leakingCell(object, path, { attacker: 'acme', victim: 'globex-456', rows })
          : cell(object, path)
      }),
    ),
  )
  const input = { ...leakingReport(), verdicts, findings: findingsOf(verdicts) }
  return { ...input, ...decide(input, defaultRules) }
}

test('500 cells in six worlds make less than 3 MB, and four times as much takes at most eight times as long', () => {
  const report = bigReport()
  expect(report.findings).toHaveLength(200)
  const html = renderHtml(report)
  expect(Buffer.byteLength(html)).toBeLessThan(3_000_000)
  expect(html).toContain('45 more rows not shown here')
  expect(html).toContain('data-shortened="true"')
  expect(html.match(/<details class="finding"/g)).toHaveLength(200)
  // Against itself, in the same minute: how long it takes says more about the machine than about the page.
  const smaller = bigReport(125)
  const leastMs = (of: Report) => Math.min(...[1, 2].map(() => timed(() => renderHtml(of))))
  expect(leastMs(report) / leastMs(smaller)).toBeLessThan(8)
})

function timed(work: () => unknown): number {
  const start = performance.now()
  work()
  return performance.now() - start
}
