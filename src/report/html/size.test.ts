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

/** 500 cells in each of six worlds, 200 of them violated, 50 rows behind each. */
function bigReport(): Report {
  const [probe] = probes
  if (probe === undefined) throw new Error('the parts changed')
  const verdicts = worlds.map((world, at) =>
    verdictOf(
      probe,
      world,
      Array.from({ length: 500 }, (_, index) => {
        const [object, path] = [`table_number_${Math.floor(index / 10)}`, `path ${index % 10}`]
        const leaks = index < (at < 2 ? 34 : 33)
        return leaks
          ? leakingCell(object, path, { attacker: 'acme', victim: 'globex-456', rows })
          : cell(object, path)
      }),
    ),
  )
  const input = { ...leakingReport(), verdicts, findings: findingsOf(verdicts) }
  return { ...input, ...decide(input, defaultRules) }
}

test('500 cells in six worlds and 200 findings make less than 3 MB in less than 2 s', () => {
  const report = bigReport()
  expect(report.findings).toHaveLength(200)
  const start = performance.now()
  const html = renderHtml(report)
  expect(performance.now() - start).toBeLessThan(2_000)
  expect(Buffer.byteLength(html)).toBeLessThan(3_000_000)
  expect(html).toContain('45 more rows not shown here')
  expect(html).toContain('data-shortened="true"')
  expect(html.match(/<details class="finding"/g)).toHaveLength(200)
})
