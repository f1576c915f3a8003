/** Mutants and classes of fault belong together. */

import { expect, test } from 'vitest'
import { faultsWith } from './bad-tree.ts'

const mutant = 'fixtures/mutants/reads-rows--x.sql'

test.each([
  [
    'a mutant without class',
    { [mutant]: '-- title: x\n' },
    `${mutant}:1 classes: names no class of fault`,
  ],
  [
    'a mutant of an unknown class',
    { [mutant]: '-- class: R2\n' },
    `${mutant}:1 classes: names the class R2, which is not in fixtures/fault-classes.json`,
  ],
  [
    'a class without mutant',
    { 'fixtures/fault-classes.json': '{ "R1": "open", "R2": "more" }' },
    'fixtures/fault-classes.json:1 classes: has the class R2, of which there is no mutant',
  ],
])('%s is a fault', (_what, files, fault) => {
  expect(faultsWith(files)).toEqual([fault])
})
