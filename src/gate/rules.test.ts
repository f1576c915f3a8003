/** A rule with a typo or another unit is refused before anything runs. */

import { expect, test } from 'vitest'
import { defaultRules, rulesFrom } from './rules.ts'

test('what is not given keeps its default', () => {
  expect(rulesFrom({ strict: true, failOn: undefined })).toEqual({ ...defaultRules, strict: true })
  expect(defaultRules).toMatchObject({
    failOn: 'medium',
    maxHardenedOverhead: 2,
    coverage: 'complete',
  })
})

test('a rule may be the text of a flag, or the value of a file', () => {
  expect(rulesFrom({ maxHardenedOverhead: '1.5x', requireMutants: 'false' })).toEqual({
    ...defaultRules,
    maxHardenedOverhead: 1.5,
    requireMutants: false,
  })
  expect(rulesFrom({ maxHardenedOverhead: 3 }).maxHardenedOverhead).toBe(3)
})

test.each([
  ['failon', 'high'],
  ['constructor', 1],
  ['failOn', 'severe'],
  ['maxHardenedOverhead', '2ms'],
  ['maxHardenedOverhead', '150%'],
  ['maxHardenedOverhead', '0.5'],
  ['maxHardenedOverhead', 'NaN'],
  ['maxHardenedOverhead', 1001],
  ['strict', '1'],
  ['coverage', 'most'],
])('%s = %j is refused with the code of a bad rule, and its name', (key, value) => {
  expect(() => rulesFrom({ [key]: value })).toThrowError(
    expect.objectContaining({
      code: 'WATERTIGHT_BAD_RULE',
      message: expect.stringContaining(key) as string,
    }) as Error,
  )
})
