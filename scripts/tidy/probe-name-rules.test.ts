/** The engine names neither a probe nor a suite; suites, tests and what belongs to the platform may. */

import { expect, test } from 'vitest'
import { faultsWith, source } from './bad-tree.ts'

const faults: readonly (readonly [what: string, code: string, fault: string])[] = [
  ['a probe', "export const a = 'reads-rows'", '2 names: names the probe reads-rows: '],
  [
    'a probe in a template',
    'export const a = `reads-rows`',
    '2 names: names the probe reads-rows: ',
  ],
  [
    'a suite',
    "export const a = (suite: string) => suite === 'isolation'",
    '2 names: asks for a suite by its name: ',
  ],
  [
    'a suite of something',
    "export const a = (b: { suite: string }) => 'isolation' !== b.suite",
    '2 names: asks for a suite by its name: ',
  ],
]

test.each(faults)('engine code that names %s is at fault', (_, code, fault) => {
  const path = 'src/judge/a.ts'
  expect(faultsWith({ [path]: source(code) })).toEqual([
    `${path}:${fault}let a property of the probe say what differs`,
  ])
})

test('the platform, tests and words that are no probe are no fault', () => {
  const code = source("export const a = 'reads-rows'")
  expect(
    faultsWith({
      'src/reference/a.ts': code,
      'src/testing/a.ts': code,
      'src/judge/a.test.ts': code,
      'src/judge/b.ts': source("export const b = 'reads rows'"),
    }),
  ).toEqual([])
})
