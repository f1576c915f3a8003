/** The job summary: values of tenants are text, never markup. */

import { expect, test } from 'vitest'
import { leakingReport, partialReport } from '../../fixtures/records/build.ts'
import { renderMarkdown } from './markdown.ts'

test('it gives the verdict, the gates and the replay line', () => {
  const text = renderMarkdown(leakingReport())
  expect(text).toContain('## Watertight: violated (exit 1)')
  expect(text).toContain('| isolation | findings at or above medium == 0 | 2 | shut |')
  expect(text).toContain('`watertight replay reads-foreign-rows-f03bd953`')
  expect(renderMarkdown(partialReport())).toContain('inconclusive (exit 3)')
})

test('no tag, link or row separator of a value survives', () => {
  const text = renderMarkdown(leakingReport())
  expect(text).not.toMatch(/<|onerror=["']/)
  const report = leakingReport()
  const gate = report.gates[0]
  if (gate === undefined) throw new Error('the record has no gate')
  const value = '1 | [x](javascript:alert(1)) `a` **b**\n# c'
  expect(renderMarkdown({ ...report, gates: [{ ...gate, value }] })).toContain(
    '| 1 &#124; &#91;x&#93;&#40;javascript&#58;alert&#40;1&#41;&#41; &#96;a&#96; &#42;&#42;b&#42;&#42;&#92;n&#35; c |',
  )
})
