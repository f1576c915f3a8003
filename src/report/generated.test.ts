import { expect, test } from 'vitest'
import { healthyReport } from '../../fixtures/records/build.ts'
import { decide } from '../gate/decide.ts'
import { defaultRules } from '../gate/rules.ts'
import { shareOf } from '../judge/proportion.ts'
import type { GeneratedScore } from '../model/generated.ts'
import { renderSummary } from './console.ts'
import { renderHtml } from './html/render.tsx'
import { renderMarkdown } from './markdown.ts'
import { reportSchema } from './schema.ts'

const survivor = {
  id: 'generated 4',
  kind: 'policy: operator',
  title: 'a <b>title</b>',
  world: 'isp/row-level-security',
  sql: `ALTER POLICY "<script>alert(1)</script>" ON t USING (true);`,
  truth: 'acme reads t: 4 rows, before 2 rows',
  reason: 'nothing was found',
}
const scoreOf = (killed: number, reaching: number): GeneratedScore => ({
  seed: 7,
  candidates: 30_000,
  tried: reaching + 3,
  reaching,
  killed,
  interval: shareOf(killed, reaching),
  latent: 1,
  reported: 0,
  own: 1,
  equivalent: 0,
  undecided: [{ ...survivor, id: 'generated 9' }],
  kinds: [
    { kind: 'policy: operator', tried: reaching + 3, reaching, killed, latent: 1, reported: 0 },
  ],
  survivors: [survivor],
  unreported: [{ ...survivor, id: 'generated 8' }],
})
const reportOf = (killed: number, reaching: number) => {
  const report = { ...healthyReport(), generated: scoreOf(killed, reaching) }
  return { ...report, ...decide(report, defaultRules) }
}

test('every rendering says how many were killed, with the interval, and names the survivors', () => {
  const report = reportOf(19, 20)
  const said = '19 of 20 generated mutants killed, 76.4 % to 99.1 % at 95.0 %'
  const [text, markdown, html] = [
    renderSummary(report, { color: false, width: 200 }),
    renderMarkdown(report),
    renderHtml(report),
  ]
  for (const rendering of [text, markdown, html]) {
    expect(rendering).toContain('generated 4')
    expect(rendering.replace(/\s+/g, ' ')).toContain(said)
  }
  expect(html).toContain('generated 8')
  expect(html).toContain('generated 9')
  expect(html).not.toContain('<script>alert(1)')
  expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report)
})

test('a share that is surely below the aim shuts the gate, one survivor of a few does not', () => {
  expect(reportOf(19, 20).verdict.exitCode).toBe(0)
  const { verdict } = reportOf(10, 20)
  expect(verdict.exitCode).toBe(3)
  expect(verdict.sentence).toMatch(/^Only 10 of 20 generated mutants were killed/)
})
