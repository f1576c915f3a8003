/** Merging outcomes never hides the worst, and nothing asked is nothing known. */

import { expect, test } from 'vitest'
import { outcomes } from '../model/verdict.ts'
import { worstOutcome } from './order.ts'

test('the worst outcome of a list wins, wherever it stands', () => {
  expect(worstOutcome(['holds', 'violated', 'unknown'])).toBe('violated')
  expect(worstOutcome(['holds', 'unknown', 'inapplicable'])).toBe('unknown')
  expect(worstOutcome(['inapplicable', 'holds'])).toBe('holds')
  for (const outcome of outcomes) expect(worstOutcome([outcome, 'violated'])).toBe('violated')
})

test('of an empty list it is unknown', () => {
  expect(worstOutcome([])).toBe('unknown')
})
