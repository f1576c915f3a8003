/** Purpose comments, exports, the console, unfinished work and unfinished tests. */

import { expect, test } from 'vitest'
import { faultsWith, source } from './bad-tree.ts'

const unfinished = ['TO', 'DO'].join('')

const faults: readonly (readonly [what: string, path: string, text: string, fault: string])[] = [
  [
    'no purpose',
    'src/seed/a.ts',
    'export const a = 1\n',
    '1 manners: begins without a comment that says why it exists',
  ],
  [
    'a long purpose',
    'src/seed/a.ts',
    '/**\n * One\n * two\n * three\n * four\n */\nexport const a = 1\n',
    '1 manners: begins with a comment of 4 lines, at most 3',
  ],
  [
    'export *',
    'src/seed/a.ts',
    source("export * from './b.ts'"),
    '2 manners: exports * instead of names',
  ],
  [
    'export * as a name',
    'src/seed/a.ts',
    source("export * as b from './b.ts'"),
    '2 manners: exports * instead of names',
  ],
  [
    'a default export',
    'src/seed/a.ts',
    source('export default 1'),
    '2 manners: has a default export outside the registry folders',
  ],
  [
    'a default function',
    'src/seed/a.ts',
    source('export default function a() { return 1 }'),
    '2 manners: has a default export outside the registry folders',
  ],
  [
    'a renamed default',
    'src/seed/a.ts',
    source('const a = 1\nexport { a as default }'),
    '3 manners: has a default export outside the registry folders',
  ],
  [
    'the console',
    'src/seed/a.ts',
    source('export const a = () => { console.log(1) }'),
    '2 manners: calls console.log outside src/cli',
  ],
  [
    'process.exit',
    'src/seed/a.ts',
    source('export const a = () => process.exit(1)'),
    '2 manners: uses process.exit outside src/cli',
  ],
  ['work at import time', 'src/seed/a.ts', source('setup()'), '2 manners: works at import time'],
  [
    'unfinished work',
    'src/seed/a.ts',
    source(`// ${unfinished} later\nexport const a = 1`),
    `2 manners: says ${unfinished}: finish it or open an issue`,
  ],
  [
    'a lonely test',
    'src/seed/a.test.ts',
    "test.only('a', () => {})",
    '1 manners: runs .only some tests',
  ],
  [
    'a lonely suite',
    'src/seed/a.test.ts',
    "describe.concurrent.only('a', () => {})",
    '1 manners: runs .only some tests',
  ],
  [
    'a skipped test',
    'src/seed/a.test.ts',
    "test.skip('a', () => {})",
    '1 manners: uses .skip without a reason in a comment above',
  ],
]

test.each(faults)('%s is a fault', (_what, path, text, fault) => {
  expect(faultsWith({ [path]: text })).toEqual([`${path}:${fault}`])
})

test.each([
  [
    'a skipped test with a reason',
    'src/seed/a.test.ts',
    "// Windows has no such signal\ntest.skip('a', () => {})\n",
  ],
  [
    'the console of the command line',
    'src/cli/a.ts',
    source('export const a = () => { console.log(1) }'),
  ],
  ['a program that ends itself', 'src/postgres/watch-program.ts', source('process.exit(0)')],
  [
    'a rule named in a string',
    'src/seed/a.ts',
    source("export const a = 'console.log(1) export * from x'"),
  ],
])('%s is let pass', (_what, path, text) => {
  expect(faultsWith({ [path]: text })).toEqual([])
})
