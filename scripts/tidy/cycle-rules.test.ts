/** Cycles of imports. */

import { expect, test } from 'vitest'
import { faultsWith, source } from './bad-tree.ts'

test('three files that import each other in a ring are a fault', () => {
  expect(
    faultsWith({
      'src/seed/a.ts': source("import { b } from './b.ts'\nexport const a = () => b"),
      'src/seed/b.ts': source("import { c } from './c.ts'\nexport const b = () => c"),
      'src/seed/c.ts': source("import { type A, a } from './a.ts'\nexport const c = (): A => a()"),
    }),
  ).toEqual([
    'src/seed/a.ts:1 cycles: is in a cycle: src/seed/a.ts -> src/seed/b.ts -> src/seed/c.ts -> src/seed/a.ts',
  ])
})

test('types that know each other are erased and let pass', () => {
  expect(
    faultsWith({
      'src/seed/a.ts': source("import type { B } from './b.ts'\nexport interface A { b: B }"),
      'src/seed/b.ts': source("import type { A } from './a.ts'\nexport interface B { a: A }"),
    }),
  ).toEqual([])
})
