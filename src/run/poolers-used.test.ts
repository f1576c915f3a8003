import { expect, test } from 'vitest'
import { reportOf } from '../testing/door.ts'

test('a pooler is said to be tested by the probes that asked it, and by nothing else', async () => {
  const [without, pooled] = [
    await reportOf('verify', { grep: 'row-security-in-force' }),
    await reportOf('verify', { grep: 'pooled-context' }),
  ]
  const tested = (report: typeof without) =>
    report.coverage.poolers.filter((pooler) => pooler.tested).map(({ title }) => title)
  expect([tested(without), tested(pooled)]).toEqual([[], ['pg pool']])
  expect(without.coverage.untested.map(({ what }) => what)).toContain('pg pool')
}, 240_000)
