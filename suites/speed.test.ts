/** The gauges: what they measure is whole, and the plans are as the design says. */

import { expect, test } from 'vitest'
import { reportOf } from '../src/testing/door.ts'

test('gauges compare equal row counts, and only the SQL as written reads past the index', async () => {
  const { measurements, plans, coverage } = await reportOf('bench')
  expect(coverage.untested.filter(({ what }) => what.startsWith('speed'))).toEqual([])
  expect(
    measurements.filter(({ pairs, note }) => pairs === 0 || /rows|failed/.test(note ?? '')),
  ).toEqual([])
  expect(measurements).toHaveLength(20)
  const pastTheIndex = plans
    .filter(({ outcome }) => outcome === 'violated')
    .map(({ variant }) => variant)
  expect([...new Set(pastTheIndex)]).toEqual(['as-written'])
  const usage = plans.find(
    ({ variant, relation }) => variant === 'hardened' && relation === 'isp_analytics_usage',
  )
  expect([usage?.partitionsScanned, usage?.partitionsTotal]).toEqual([1, 4])
}, 240_000)
