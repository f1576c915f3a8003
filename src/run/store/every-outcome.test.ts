/** Whatever ends a run, its report is one: for another language (JSON Schema), for us (zod) and for `check`. */

import Ajv2020 from 'ajv/dist/2020.js'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkedReport } from '../../cli/check-run.ts'
import type { ExecuteOptions } from '../running.ts'
import { reportSchema } from '../../report/schema.ts'
import { reportOf } from '../../testing/door.ts'

const output = mkdtempSync(join(tmpdir(), 'watertight-outcomes-'))
afterAll(() => {
  rmSync(output, { recursive: true, force: true })
})

/** As another language reads it: from the file that is published. */
const validate = new Ajv2020.default({ strict: false, validateFormats: false }).compile(
  JSON.parse(
    readFileSync(new URL('../../report/report.schema.json', import.meta.url), 'utf8'),
  ) as object,
)

const few = { mode: 'rls', grep: 'row-security-in-force' }
const pooled = { mode: 'rls', grep: 'pooled-context' }
const stopped = new AbortController()

test.each<[string, number, Record<string, unknown>, Partial<ExecuteOptions>]>([
  ['of pools, with lanes of backends', 0, pooled, {}],
  ['that leaks by a claim', 1, { mode: 'rls', grep: 'shared-channels', claims: 'locks' }, {}],
  [
    'that is interrupted in the middle',
    143,
    few,
    {
      signal: stopped.signal,
      interruptedBy: () =>
        stopped.signal.aborted ? { by: 'signal', signal: 'SIGTERM', text: 'SIGTERM' } : null,
      onProgress: ({ stage, done }) => {
        if (stage === 'verify' && done > 0) stopped.abort()
      },
    },
  ],
  [
    'that a bug of ours ends',
    70,
    few,
    {
      onProgress: ({ stage, done }) => {
        if (stage === 'verify' && done > 0) throw new TypeError('x is not a function')
      },
    },
  ],
])(
  'a run %s ends with %d and a valid report',
  async (_, exitCode, flags, events) => {
    const report = await reportOf('verify', { output, ...flags }, events)
    const path = join(output, report.run.id)
    const stored: unknown = JSON.parse(readFileSync(join(path, 'report.json'), 'utf8'))
    expect(validate(stored) ? [] : validate.errors).toEqual([])
    expect(reportSchema.parse(stored).verdict).toEqual(report.verdict)
    expect([report, checkedReport(path, {})].map(({ verdict }) => verdict.exitCode)).toEqual([
      exitCode,
      exitCode,
    ])
  },
  120_000,
)
