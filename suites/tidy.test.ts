/** The house stays tidy because a red test says where it is not. */

import { expect, test } from 'vitest'
import { tidy } from '../scripts/tidy.ts'
import { packageRoot } from '../src/registry.ts'

test('the checkout keeps the rules of the house', () => {
  expect(tidy(packageRoot())).toEqual([])
})
