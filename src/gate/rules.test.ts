/** A rule with a typo or another unit is refused before anything runs. */

import { expect, test } from 'vitest'
import { WatertightError } from '../errors.ts'
import { defaultRules, parseRule, rulesFrom } from './rules.ts'

test('rules are read from text, in either spelling of the key', () => {
  expect(parseRule('failOn = high')).toEqual({ failOn: 'high' })
  expect(parseRule('max-hardened-overhead=1.5x')).toEqual({ maxHardenedOverhead: 1.5 })
  expect(parseRule(' require-mutants = false ')).toEqual({ requireMutants: false })
})

test('what is not given keeps its default', () => {
  expect(rulesFrom({ strict: true, failOn: undefined })).toEqual({ ...defaultRules, strict: true })
  expect(defaultRules).toMatchObject({
    failOn: 'medium',
    maxHardenedOverhead: 2,
    coverage: 'complete',
  })
})

test.each([
  'failon = high',
  'nonsense',
  'fail-on = severe',
  'maxHardenedOverhead = 2ms',
  'maxHardenedOverhead = 150%',
  'maxHardenedOverhead = 0.5',
  'maxHardenedOverhead = NaN',
  'strict = 1',
  'constructor = 1',
  'coverage = most',
])('%s is refused with the code of a bad rule', (text) => {
  expect(() => parseRule(text)).toThrowError(WatertightError)
  expect(() => parseRule(text)).toThrowError(
    expect.objectContaining({ code: 'WATERTIGHT_BAD_RULE' }) as Error,
  )
})
