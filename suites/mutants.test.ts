/** The detector itself: one mutant of every probe, and a sample of the others and of the controls by the seed. */

import { expect, test } from 'vitest'
import { reportOf } from '../src/testing/door.ts'

test('every mutant of a sample is killed and every control of it is silent', async () => {
  const { mutants, controls, coverage } = await reportOf('prove', { sample: '24' })
  const sample = coverage.untested.find(
    ({ what }) => what === 'the rest of the mutants and controls',
  )
  expect(sample?.why).toMatch(
    /^a sample drawn by seed \d+: \d+ of \d+ mutants, 12 of \d+ controls$/,
  )
  expect({ survived: mutants.survived, noisy: controls.noisy }).toEqual({ survived: [], noisy: [] })
  expect([mutants.killed > 40, controls.silent]).toEqual([true, 12])
}, 600_000)
