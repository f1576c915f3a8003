/** The operations suite on copies of the reference platform, in both tenancies. */

import { expect, test } from 'vitest'
import { complaintsOf, reportOf } from '../src/testing/door.ts'

test('every probe of the operations suite holds on the hardened platform', async () => {
  expect(complaintsOf(await reportOf('verify', { grep: 'operations/' }))).toEqual([])
}, 240_000)
