/** Words that the house does not use. */

import { expect, test } from 'vitest'
import { faultsWith, source } from './bad-tree.ts'

test.each([
  [
    'a folder',
    'src/seed/helpers/a.ts',
    'export const a = 1',
    1,
    '"helpers" in src/seed/helpers/a.ts: name what they do',
  ],
  [
    'a file',
    'src/seed/string-utils.ts',
    'export const a = 1',
    1,
    '"utils" in src/seed/string-utils.ts: name what they do',
  ],
  [
    'a function',
    'src/seed/a.ts',
    'export function openConn() { return 1 }',
    2,
    '"conn" in openConn: session',
  ],
  [
    'a constant',
    'src/seed/a.ts',
    'export const tenantMode = 1',
    2,
    '"mode" in tenantMode: tenancy',
  ],
  [
    'a type',
    'src/seed/a.ts',
    'export interface RowMarker { a: 1 }',
    2,
    '"marker" in RowMarker: canary',
  ],
])('a banned word in the name of %s is a fault', (_what, path, code, line, sentence) => {
  expect(faultsWith({ [path]: source(code) })).toEqual([`${path}:${line} words: says ${sentence}`])
})

test.each([
  ['a flag of the command line', 'src/cli/a.ts', 'export const modeFlag = 1'],
  ['a word that only contains one', 'src/seed/a.ts', 'export const modelOrganisation = 1'],
  ['a name that nobody imports', 'src/seed/a.ts', 'const conn = 1\nexport const a = conn'],
])('%s is let pass', (_what, path, code) => {
  expect(faultsWith({ [path]: source(code) })).toEqual([])
})
