import { expect, test } from 'vitest'
import type { StageName } from './progress.ts'
import { placeIn, type Expectation } from './time-left.ts'

const plan = (isMeasured: boolean, ...costs: readonly number[]): Expectation => ({
  stages: costs.map((ms, index) => ({
    stage: (['seed', 'verify', 'prove', 'bench'] as const)[index] ?? 'bench',
    ms,
  })),
  isMeasured,
})

interface Run {
  readonly expectation: Expectation
  /** What the stages really take. */
  readonly real: readonly number[]
}

/** The largest factor between what was told and what came, from the first quarter of the run on; 2 s do not matter. */
function worstFactor({ expectation, real }: Run): number {
  const total = real.reduce((sum, ms) => sum + ms, 0)
  let worst = 1
  for (let elapsedMs = total / 4; elapsedMs < total; elapsedMs += total / 400) {
    let before = 0
    const at = real.findIndex((ms) => {
      before += ms
      return elapsedMs < before
    })
    const cost = real[at] ?? 0
    const stage: StageName = expectation.stages[at]?.stage ?? 'bench'
    const share = (elapsedMs - (before - cost)) / cost
    const { leftMs } = placeIn(expectation, { stage, share, elapsedMs })
    const left = total - elapsedMs
    if (leftMs === null) return Infinity
    if (Math.abs(leftMs - left) < 2_000) continue
    worst = Math.max(worst, leftMs / left, left / leftMs)
  }
  return worst
}

test.each([
  ['as expected', plan(false, 6, 60, 20, 14), [6_000, 60_000, 20_000, 14_000]],
  [
    'on a machine that is three times as slow',
    plan(false, 6, 60, 20, 14),
    [18e3, 180e3, 60e3, 42e3],
  ],
  ['half as fast as the last time', plan(true, 6e3, 60e3, 20e3, 14e3), [12e3, 120e3, 40e3, 28e3]],
  [
    'verify a third longer than expected',
    plan(true, 6e3, 60e3, 20e3, 14e3),
    [6e3, 80e3, 20e3, 14e3],
  ],
  ['a short run', plan(false, 6, 60), [2_000, 18_000]],
])(
  'the time left is right within a factor of 1.5 from the first quarter on: %s',
  (_, expectation, real) => {
    expect(worstFactor({ expectation, real })).toBeLessThan(1.5)
  },
)

test('built-in costs tell nothing before something is done, measured ones do at once', () => {
  const start = { stage: 'seed', share: 0, elapsedMs: 0 } as const
  expect(placeIn(plan(false, 6, 94), start)).toEqual({ index: 1, of: 2, leftMs: null })
  expect(placeIn(plan(true, 6_000, 94_000), start)).toEqual({ index: 1, of: 2, leftMs: 100_000 })
})

test('what is no stage of the plan has no place, and a share beyond the end is the end', () => {
  const only = plan(false, 10, 10)
  expect(placeIn(only, { stage: 'report', share: 0, elapsedMs: 5 }).leftMs).toBeNull()
  expect(placeIn(only, { stage: 'verify', share: 7, elapsedMs: 5 }).leftMs).toBe(0)
})
