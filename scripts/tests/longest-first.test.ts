import { expect, test } from 'vitest'
import { longestFirst } from './longest-first.ts'

test('the longest files begin first, what nobody measured before them, and ties have an order', () => {
  const durations = { short: 5, long: 90_000, middle: 700, twin: 5 }
  expect(longestFirst(['twin', 'short', 'new', 'middle', 'long'], durations)).toEqual([
    'new',
    'long',
    'middle',
    'short',
    'twin',
  ])
})
