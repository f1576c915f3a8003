/** Addresses in the lockfile. */

import { expect, test } from 'vitest'
import { faultsWith } from './bad-tree.ts'

test('a tree with integrity only has no faults', () => {
  expect(faultsWith({})).toEqual([])
})

test('an address in the lockfile is a fault', () => {
  expect(
    faultsWith({ 'package-lock.json': '{\n  "resolved": "https://example.org/pg.tgz"\n}\n' }),
  ).toEqual(['package-lock.json:2 lockfile: names the address of a package; keep integrity only'])
})
