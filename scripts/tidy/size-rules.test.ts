/** Hard limits of size: one over is a fault, the limit itself is not. */

import { expect, test } from 'vitest'
import { faultsWith, source } from './bad-tree.ts'

const array = (count: number) => source(`export const a = [\n${'  1,\n'.repeat(count - 3)}]`)
const body = (count: number) => source(`export const a = () => {\n${'  a()\n'.repeat(count - 2)}}`)
const exported = (count: number) =>
  source(Array.from({ length: count }, (_, n) => `export const a${n} = 1`).join('\n'))
const imported = (count: number) =>
  source(Array.from({ length: count }, (_, n) => `import './b${n}.ts'`).join('\n'))
const parameters = (list: string) => source(`export const a = (${list}) => 1`)

const seed = 'src/seed/a.ts'
const probe = 'suites/isolation/reads-rows.ts'

const limits: readonly (readonly [
  what: string,
  path: string,
  over: string,
  limit: string,
  fault: string,
])[] = [
  ['lines of a file', seed, array(401), array(400), `${seed}:1 size: has 401 lines, at most 400`],
  [
    'lines of a probe',
    probe,
    array(201),
    array(200),
    `${probe}:1 size: has 201 lines, at most 200`,
  ],
  [
    'columns',
    seed,
    source(`// ${'x'.repeat(118)}`),
    source(`// ${'x'.repeat(117)}`),
    `${seed}:2 size: has 121 columns, at most 120`,
  ],
  [
    'lines of a function',
    seed,
    body(71),
    body(70),
    `${seed}:2 size: a function has 71 lines, at most 70`,
  ],
  [
    'parameters',
    seed,
    parameters('b: 1, c: 2, d: 3, e: 4'),
    parameters('b: 1, c: 2, d: 3'),
    `${seed}:2 size: a function has 4 parameters, at most 3`,
  ],
  [
    'type parameters',
    seed,
    source('export type F = <B, C, D>() => [B, C, D]'),
    source('export type F = <B, C>() => [B, C]'),
    `${seed}:2 size: a function has 3 type parameters, at most 2`,
  ],
  ['exports', seed, exported(9), exported(8), `${seed}:1 size: has 9 exports, at most 8`],
  ['imports', seed, imported(16), imported(15), `${seed}:1 size: has 16 imports, at most 15`],
  [
    'imports of the orchestration',
    'src/run/a.ts',
    imported(21),
    imported(20),
    'src/run/a.ts:1 size: has 21 imports, at most 20',
  ],
]

test.each(limits)('%s are limited', (_what, path, over, limit, fault) => {
  expect(faultsWith({ [path]: over })).toEqual([fault])
  expect(faultsWith({ [path]: limit })).toEqual([])
})

test('a line that holds a long address is let pass', () => {
  expect(
    faultsWith({ [seed]: source(`// ${'x'.repeat(60)} https://example.org/${'y'.repeat(60)}`) }),
  ).toEqual([])
})
