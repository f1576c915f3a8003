/** The detector itself: every shipped mutant is found, and every control stays silent. */

import { expect, test } from 'vitest'
import { reportOf } from '../src/run/door.ts'

test('every mutant is killed and every control is silent', async () => {
  const { mutants, controls } = await reportOf('prove')
  expect({ survived: mutants.survived, noisy: controls.noisy }).toEqual({ survived: [], noisy: [] })
  expect([mutants.killed > 40, controls.silent > 12]).toEqual([true, true])
}, 600_000)
