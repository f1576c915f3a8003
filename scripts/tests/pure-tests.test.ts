import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { testsOf } from './pure-tests.ts'

test('a test is pure when nothing below it reaches a server, a process or the environment', () => {
  const root = mkdtempSync(join(tmpdir(), 'watertight-pure-'))
  onTestFinished(() => {
    rmSync(root, { recursive: true })
  })
  const files = {
    'src/sum.test.ts': `import { sum } from './sum.ts'`,
    'src/sum.ts': `import type { Session } from './session.ts'\nexport const sum = 1`,
    'src/session.ts': `import pg from 'pg'`,
    'src/deep.test.ts': `import { a } from './a.ts'`,
    'src/a.ts': `export {\n  b,\n} from './session.ts'`,
    'src/late.test.ts': `const { a } = await import('./a.ts')`,
    'src/variable.test.ts': `process.env['HOME'] = '/'`,
    'src/spawns.test.ts': `import { spawn } from 'node:child_process'`,
    'src/mocks.test.ts': `vi.useFakeTimers()`,
    'suites/one.test.ts': `import { sum } from '../src/sum.ts'`,
    'scripts/two.test.ts': `import { readFileSync } from 'node:fs'`,
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const { all, pure } = testsOf(root)
  expect(all).toHaveLength(8)
  expect(pure).toEqual(['scripts/two.test.ts', 'src/sum.test.ts', 'suites/one.test.ts'])
})
