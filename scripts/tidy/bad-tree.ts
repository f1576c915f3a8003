/** A small tidy tree to break: each rule is fed a fault, because a rule that cannot fail guards nothing. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { tidy } from '../tidy.ts'

/** Text of files by their path from the root. */
export type Files = Readonly<Record<string, string>>

const tidyTree: Files = {
  'package-lock.json':
    '{ "packages": { "node_modules/pg": { "version": "8.0.0", "integrity": "sha512-x" } } }',
  'src/index.ts': "/** Public. */\nexport { open } from './postgres/open.ts'\n",
  'src/model/row.ts': '/** A row. */\nexport interface Row { readonly id: string }\n',
  'src/postgres/open.ts':
    "/** The door. */\nimport pg from 'pg'\nexport const open = () => new pg.Client()\n",
  'suites/isolation/reads-rows.ts':
    "/** A probe. */\nimport { open } from '../../src/index.ts'\nexport default open\n",
  'fixtures/mutants/reads-rows--policy-true.sql': '-- title: x\n-- class: R1\n',
  'fixtures/fault-classes.json': '{ "R1": "open" }',
}

/** Faults of the tidy tree with these files added or replaced. */
export function faultsWith(files: Files): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'watertight-tidy-'))
  try {
    for (const [path, text] of Object.entries({ ...tidyTree, ...files })) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return tidy(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** A source file that begins well; its code starts at line 2. */
export function source(code: string): string {
  return `/** A. */\n${code}\n`
}
