import { expect, test } from 'vitest'
import { benchPlatform, boundVerdict, type Bounded } from './platform-bench.ts'

test('a bound is met or missed only by a whole interval', () => {
  const verdicts = (
    [
      [0.9, 1.1],
      [1.1, 1.3],
      [1.0, 1.2],
    ] as const
  ).map(([low, high]) => {
    const interval = { low, high, level: 0.95 }
    return [boundVerdict(interval, { atMost: 1.1 }), boundVerdict(interval, { atLeast: 1.1 })]
  })
  expect(verdicts).toEqual([
    ['met', 'undecided'],
    ['undecided', 'met'],
    ['undecided', 'undecided'],
  ])
  const [far, near] = [
    { low: 1.2, high: 1.3, level: 0.95 },
    { low: 0.2, high: 0.3, level: 0.95 },
  ]
  expect([boundVerdict(far, { atMost: 1.1 }), boundVerdict(near, { atLeast: 0.5 })]).toEqual([
    'missed',
    'missed',
  ])
})

test('every value is measured, with an interval around it, and the line is seen to be crossed once more', async () => {
  const found: Bounded[] = []
  const sizes = { rows: 2_000, tenantRows: 100, rounds: 8, overheadMs: 1_000 }
  for await (const each of benchPlatform(sizes)) found.push(each)
  const titles = found.map(({ title }) => title.split(/[,:]/)[0])
  expect(titles.length).toBe(19)
  expect([...new Set(titles)]).toEqual([
    'withTenant',
    'restore of a tenant',
    'hardened row security',
  ])
  for (const { title, interval, bound, verdict, value } of found) {
    expect([title, verdict]).toEqual([title, boundVerdict(interval, bound)])
    // Eight rounds and hundreds of pairs spread: an interval without width was not measured.
    expect([title, Number.isFinite(value), interval.low < interval.high]).toEqual([
      title,
      true,
      true,
    ])
  }
  // Counted, not timed.
  for (const { note } of found.slice(0, 2)) expect(note).toContain('counted on the line: 1 to 1')
}, 120_000)
