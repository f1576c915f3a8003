import { expect, test } from 'vitest'
import { chosenProbes } from './load-probes.ts'

const probes = [
  { suite: 'isolation', id: 'reads-foreign-rows' },
  { suite: 'isolation', id: 'missing-context' },
  { suite: 'context', id: 'pooled-context' },
] as const
const ids = (grep: string | null) => chosenProbes(probes, grep).map(({ id }) => id)

test('a text chooses by name and suite, in any case, and commas join several', () => {
  expect(ids(null)).toHaveLength(3)
  expect(ids('READS')).toEqual(['reads-foreign-rows'])
  expect(ids('missing, reads')).toEqual(['reads-foreign-rows', 'missing-context'])
  expect(ids('context/')).toEqual(['pooled-context'])
})

test.each([
  ['raeds-foreign', 'Nearest: isolation/reads-foreign-rows'],
  ['reads,poled-context', 'Nearest: context/pooled-context'],
  [',', 'Nearest: '],
])('%s chooses nothing, and the nearest names are told', (grep, hint) => {
  expect(() => ids(grep)).toThrow(
    expect.objectContaining({ code: 'WATERTIGHT_NO_PROBE', hint: expect.stringContaining(hint) }),
  )
})
