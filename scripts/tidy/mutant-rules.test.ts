/** Probes and mutants belong together. */

import { expect, test } from 'vitest'
import { faultsWith, source } from './bad-tree.ts'

const probe = source('export default 1')

test.each([
  [
    'a probe without mutant',
    'suites/context/lonely.ts',
    probe,
    'suites/context/lonely.ts:1 mutants: has no mutant fixtures/mutants/lonely--<defect>',
  ],
  [
    'a mutant without probe',
    'fixtures/mutants/gone--x.sql',
    '-- class: R1\n',
    'fixtures/mutants/gone--x.sql:1 mutants: names the probe gone, which does not exist',
  ],
  [
    'a mutant without defect',
    'fixtures/mutants/reads-rows.sql',
    '-- class: R1\n',
    'fixtures/mutants/reads-rows.sql:1 mutants: is not named <probe>--<defect>',
  ],
  [
    'a second probe of the same name',
    'suites/context/reads-rows.ts',
    probe,
    'suites/isolation/reads-rows.ts:1 mutants: is the second probe named reads-rows',
  ],
])('%s is a fault', (_what, path, text, fault) => {
  expect(faultsWith({ [path]: text })).toEqual([fault])
})

test('a gauge needs no mutant', () => {
  expect(faultsWith({ 'suites/speed/reads.ts': probe })).toEqual([])
})
