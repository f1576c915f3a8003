/** What the statistics promise, over many runs of which the truth is known. */

import { expect, test } from 'vitest'
import { pairsMin, ratioOfFew, ratioOfMedians, uniform, type Pair } from './ratio.ts'

const runs = 300

/** Rounds of a noisy machine: what a round shares hits both, and each block has noise of its own. */
function rounds(seed: number, count: number, effect: number): readonly Pair[] {
  const next = uniform(seed * 7919)
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  return Array.from({ length: count }, () => {
    const shared = Math.exp(0.1 * normal())
    const block = () => shared * Math.exp(0.05 * normal()) * (next() < 0.03 ? 3 : 1)
    return { reference: block(), variant: block() * effect }
  })
}

/** As a comparison is measured: the reference against itself tells the noise of the machine. */
function compared(seed: number, effect: number, count = 60) {
  const itself = ratioOfMedians(rounds(seed + 100_000, count, 1), { seed })
  const noise = Math.max(itself.ratio, 1 / itself.ratio) - 1
  return ratioOfMedians(rounds(seed, count, effect), { seed, noise })
}

const shareOf = (said: (seed: number) => boolean) =>
  Array.from({ length: runs }, (_, seed) => said(seed + 1)).filter(Boolean).length / runs

test('the same variant twice is called different in at most 5 % of runs', () => {
  expect(shareOf((seed) => compared(seed, 1).comparison === 'different')).toBeLessThanOrEqual(0.05)
})

test('10 % more time is found in at least 95 % of runs, and 10 % less too', () => {
  for (const effect of [1.1, 1 / 1.1])
    expect(
      shareOf((seed) => compared(seed, effect).comparison === 'different'),
    ).toBeGreaterThanOrEqual(0.95)
})

test('the interval covers the true ratio in about 95 % of runs', () => {
  const covers = (seed: number) => {
    const { interval } = ratioOfMedians(rounds(seed, 60, 1.1), { seed })
    return interval.low <= 1.1 && 1.1 <= interval.high
  }
  expect(shareOf(covers)).toBeGreaterThan(0.92)
})

test('few pairs and noisy ones cannot tell, and say how many are missing', () => {
  const few = ratioOfMedians(rounds(1, pairsMin - 1, 3), { seed: 1 })
  expect([few.comparison, few.pairsMissing]).toEqual(['cannot tell', 1])
  const wild = Array.from({ length: 10 }, (_, index) => ({
    reference: 1,
    variant: index % 2 === 0 ? 0.3 : 1.8,
  }))
  const noisy = ratioOfMedians(wild, { seed: 1 })
  expect([noisy.comparison, noisy.pairsMissing > 0]).toEqual(['cannot tell', true])
  const nobody = ratioOfMedians([], { seed: 1 })
  expect([nobody.comparison, nobody.pairsMissing]).toEqual(['cannot tell', pairsMin])
})

test('what lies within the noise of the reference is no difference, however narrow the interval', () => {
  const pairs = Array.from({ length: 40 }, () => ({ reference: 1, variant: 1.08 }))
  expect(ratioOfMedians(pairs, { seed: 1, noise: 0.02 }).comparison).toBe('different')
  expect(ratioOfMedians(pairs, { seed: 1, noise: 0.1 }).comparison).toBe('no difference shown')
  // A machine on which nothing less than a fifth is seen decides nothing.
  expect(ratioOfMedians(pairs, { seed: 1, noise: 0.2 }).comparison).toBe('cannot tell')
})

test('a handful of samples is different only when chance would hardly have put them all on one side', () => {
  const references = [1, 1.1, 0.9, 1.05, 0.95, 1.02, 0.98, 1.01]
  expect(ratioOfFew([30, 32], references).comparison).toBe('different')
  expect(ratioOfFew([30], references).comparison).toBe('cannot tell')
  expect(ratioOfFew([1.05, 30], references).comparison).toBe('cannot tell')
  expect(ratioOfFew([], references).comparison).toBe('cannot tell')
  expect(ratioOfFew([30, 32], references).interval).toMatchObject({ level: 0.5 })
})

test('the same seed gives the same interval, and another seed another one', () => {
  const pairs = rounds(1, 30, 1.1)
  expect(ratioOfMedians(pairs, { seed: 5 })).toEqual(ratioOfMedians(pairs, { seed: 5 }))
  expect(ratioOfMedians(pairs, { seed: 5 }).interval).not.toEqual(
    ratioOfMedians(pairs, { seed: 6 }).interval,
  )
})
