/** The import table and the doors. */

import { expect, test } from 'vitest'
import { faultsWith, source } from './bad-tree.ts'

const faults: readonly (readonly [what: string, path: string, code: string, sentence: string])[] = [
  [
    'a lower folder that imports a higher one',
    'src/model/a.ts',
    "import '../postgres/open.ts'",
    'src/model may not import src/postgres/open.ts',
  ],
  [
    'a type of a higher folder',
    'src/judge/a.ts',
    "import type { X } from '../run/x.ts'",
    'src/judge may not import src/run/x.ts',
  ],
  [
    'an import in a type',
    'src/judge/a.ts',
    "export type A = import('../run/x.ts').X",
    'src/judge may not import src/run/x.ts',
  ],
  [
    'a lazy import',
    'src/gauge/a.ts',
    "export const a = () => import('../cli/main.ts')",
    'src/gauge may not import src/cli/main.ts',
  ],
  [
    'an export from a higher folder',
    'src/gauge/a.ts',
    "export { main } from '../cli/main.ts'",
    'src/gauge may not import src/cli/main.ts',
  ],
  [
    'a fixture in the sources',
    'src/run/a.ts',
    "import '../../fixtures/records/a.ts'",
    'src/run may not import fixtures/records/a.ts',
  ],
  [
    'a folder without a row',
    'src/misplaced/a.ts',
    "import '../errors.ts'",
    'src/misplaced has no row in the import table of scripts/tidy/import-rules.ts',
  ],
  [
    'a package outside its door',
    'src/run/a.ts',
    "import 'pg'",
    'pg is imported only in src/postgres/',
  ],
  [
    'a required package outside its door',
    'src/run/a.ts',
    "export const a = () => require('pg')",
    'pg is imported only in src/postgres/',
  ],
  [
    'a part of a package outside its door',
    'src/run/a.ts',
    "import 'zod/mini'",
    'zod is imported only in src/config/ and src/report/ and src/run/store/',
  ],
  [
    'a package without a door',
    'src/run/a.ts',
    "import 'left-pad'",
    'left-pad has no door in scripts/tidy/import-rules.ts',
  ],
  [
    'a process outside postgres',
    'src/run/a.ts',
    "import 'node:child_process'",
    'node:child_process is imported only in src/postgres/',
  ],
  [
    'a pure folder that reads files',
    'src/report/a.ts',
    "import 'node:fs'",
    'src/report is pure and may not import node:fs',
  ],
  [
    'a model that hashes',
    'src/model/a.ts',
    "import 'node:crypto'",
    'src/model is pure and may not import node:crypto',
  ],
  [
    'a suite that goes round the public API',
    'suites/isolation/reads-rows.ts',
    "import '../../src/postgres/open.ts'",
    'may import only src/index.ts, not src/postgres/open.ts',
  ],
  [
    'a suite that imports node',
    'suites/isolation/reads-rows.ts',
    "import 'node:fs'",
    'suites import src/index.ts and fast-check, not node:fs',
  ],
  [
    'a mutant that goes round the public API',
    'fixtures/mutants/reads-rows--a.ts',
    "import '../../src/model/row.ts'",
    'may import only src/index.ts, not src/model/row.ts',
  ],
]

test.each(faults)('%s is a fault', (_what, path, code, sentence) => {
  expect(faultsWith({ [path]: source(code) })).toContain(`${path}:2 imports: ${sentence}`)
})

test.each([
  ['a test', 'src/judge/a.test.ts', "import 'pg'\nimport '../run/x.ts'"],
  ['a report that hashes', 'src/report/a.ts', "import 'node:crypto'"],
  ['a suite with fast-check', 'suites/isolation/reads-rows.ts', "import 'fast-check'"],
  ['a string that looks like an import', 'src/seed/a.ts', 'export const a = \'import("pg")\''],
])('%s is let pass', (_what, path, code) => {
  expect(
    faultsWith({ [path]: source(code) }).filter((fault) => fault.includes('imports:')),
  ).toEqual([])
})
