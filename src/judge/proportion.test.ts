import { expect, test } from 'vitest'
import { shareOf } from './proportion.ts'

test('the interval is that of the literature, and stays within 0 and 1', () => {
  const rounded = ({ low, high }: { low: number; high: number }) => [
    low.toFixed(4),
    high.toFixed(4),
  ]
  expect(rounded(shareOf(81, 263))).toEqual(['0.2553', '0.3662'])
  expect(rounded(shareOf(20, 20))).toEqual(['0.8389', '1.0000'])
  expect(rounded(shareOf(0, 20))).toEqual(['0.0000', '0.1611'])
})

test('nothing tried says nothing', () => {
  expect(shareOf(0, 0)).toEqual({ low: 0, high: 1, level: 0.95 })
})
