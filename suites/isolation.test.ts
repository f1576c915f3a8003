/** The isolation suite on the reference platform, in both tenancies and both databases. */

import { expect, test } from 'vitest'
import { complaintsOf, reportOf } from '../src/testing/door.ts'

test('every probe of the isolation suite holds on the hardened platform', async () => {
  expect(complaintsOf(await reportOf('verify', { grep: 'isolation/' }))).toEqual([])
}, 240_000)
