/** The service suite on the reference platform over HTTP, in both tenancies. */

import { expect, test } from 'vitest'
import { complaintsOf, reportOf } from '../src/testing/door.ts'

test('every probe of the service suite holds on the hardened platform', async () => {
  expect(complaintsOf(await reportOf('verify', { grep: 'service/' }))).toEqual([])
}, 240_000)
