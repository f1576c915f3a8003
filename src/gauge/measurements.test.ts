/** A number is printed only for a variant that did the same work as the reference. */

import { expect, test } from 'vitest'
import type { Block } from './sampler.ts'
import { measurementsOf, type Series } from './measurements.ts'
import { againOf, type Variant } from './variant.ts'

const plain: Variant = variant('plain')

function variant(title: string): Variant {
  return { title } as unknown as Variant
}

function block(ms: number, rows: readonly number[] = [1, 1]): Block {
  return { ms, cpuNs: ms * 1000, samples: [ms, ms], rows }
}

function series(
  of: Variant,
  blocks: readonly (Block | null)[],
  more: Partial<Series> = {},
): Series {
  return { variant: of, size: 2, capped: false, failure: null, blocks, ...more }
}

const rounds = (ms: number, rows?: readonly number[]) =>
  Array.from({ length: 20 }, (_, round) => block(ms * (1 + (round % 3) / 100), rows))

const options = { seed: 1, gauge: 'g' }
const measured = (...others: readonly Series[]) =>
  measurementsOf(
    'q',
    [series(plain, rounds(1)), series(againOf(plain), rounds(1)), ...others],
    options,
  )

test('a variant is compared with the blocks of its own rounds', () => {
  const { measurements, failures } = measured(series(variant('slow'), rounds(1.5)))
  expect(failures).toEqual([])
  const [again, slow] = measurements
  expect([again?.comparison, slow?.comparison, slow?.pairs]).toEqual([
    'no difference shown',
    'different',
    20,
  ])
  expect(slow?.ratio).toBeCloseTo(1.5, 5)
  expect(slow?.cpuRatio).toBeCloseTo(1.5, 5)
  expect([slow?.latencyMsP99, slow?.id]).toEqual([null, 'g:q:slow'])
})

test('rounds that a variant sat out are no pairs', () => {
  const halves = rounds(2).map((each, round) => (round % 2 === 0 ? each : null))
  const [, slow] = measured(series(variant('slow'), halves)).measurements
  expect([slow?.pairs, slow?.comparison]).toEqual([10, 'different'])
})

test.each([
  ['more rows', [2, 1], '2 rows where the plain query gives 1'],
  ['fewer rows', [1, 0], '0 rows where the plain query gives 1'],
  ['more statements', [1, 1, 1], '1 rows where the plain query gives none'],
])('%s than the reference is a failure by name, and decides nothing', (_, rows, why) => {
  const { measurements, failures } = measured(series(variant('wrong'), rounds(3, rows)))
  const wrong = measurements.at(-1)
  expect([wrong?.comparison, wrong?.pairs]).toEqual(['cannot tell', 0])
  expect(failures.join()).toContain(`q of wrong: ${why}`)
})

test('no rows on both sides is no measurement either', () => {
  const none = series(variant('none'), rounds(1, [0, 0]))
  const { failures } = measurementsOf('q', [series(plain, rounds(1, [0, 0])), none], options)
  expect(failures).toEqual(['q of none: no rows at all: nothing was measured'])
})

test('a variant that failed is told and not measured; without the reference nothing is', () => {
  const failed = series(variant('failed'), rounds(1), { failure: 'it broke' })
  const { measurements, failures } = measured(failed)
  expect(measurements.map(({ variant: title }) => title)).toEqual([againOf(plain).title])
  expect(failures).toEqual(['q of failed could not be measured: it broke'])
  const broken = series(plain, [], { failure: 'it broke' })
  expect(measurementsOf('q', [broken, series(variant('a'), rounds(1))], options)).toEqual({
    measurements: [],
    failures: ['q of plain could not be measured: it broke'],
  })
  expect(measurementsOf('q', [], options).failures).toEqual(['q: nothing was measured'])
})

test('a machine that differs from itself by more than the variant does shows no difference', () => {
  const restless = series(againOf(plain), rounds(1.12))
  const { measurements } = measurementsOf(
    'q',
    [series(plain, rounds(1)), restless, series(variant('a'), rounds(1.08))],
    options,
  )
  expect(measurements.at(-1)?.comparison).toBe('no difference shown')
  expect(measurements.at(-1)?.note).toBe('the plain query differs by 12.0 % from itself')
})

test('a very slow variant stands with its few samples against all blocks of the reference', () => {
  const few = [block(40, [1]), block(44, [1])]
  const capped = series(variant('as written'), few, { capped: true, size: 1 })
  const slow = measured(capped).measurements.at(-1)
  expect([slow?.comparison, slow?.capped, slow?.pairs]).toEqual(['different', true, 2])
})
