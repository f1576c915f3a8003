/** What is wrong before anything starts ends at once, and never leaves an older green to be found. */

import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { healthyReport } from '../../fixtures/records/build.ts'
import { renderJson } from '../report/json.ts'
import { RunDirectory } from '../run/store/run-directory.ts'
import { checkedReport } from './check-run.ts'
import { main } from './main.ts'

const home = mkdtempSync(join(tmpdir(), 'watertight-start-'))
afterAll(() => {
  rmSync(home, { recursive: true, force: true })
})

const output = join(home, 'reports')
/** A program that is no pgbouncer, and one that says it is and cannot serve. */
const notPgbouncer = join(home, 'other')
writeFileSync(notPgbouncer, '#!/bin/sh\necho other 1.0\n')
chmodSync(notPgbouncer, 0o755)
const plainFile = join(home, 'file')
writeFileSync(plainFile, '')

/** A green run, as `check` would find it. */
beforeEach(() => {
  rmSync(output, { recursive: true, force: true })
  const start = { command: 'run', startedAt: new Date(), settings: {} }
  const green = new RunDirectory(output, start)
  const { run, ...rest } = healthyReport()
  green.write(
    'report.json',
    renderJson({ ...rest, run: { ...run, finishedAt: new Date().toISOString() } }),
  )
  expect(checkedReport(join(output, 'latest'), {}).verdict.exitCode).toBe(0)
})

test.each([
  ['a report format that does not exist', ['--reporter', 'pdf']],
  ['a pgbouncer that does not exist', ['--pgbouncer', '/nonexistent']],
  ['a program that is no pgbouncer', ['--pgbouncer', notPgbouncer]],
  ['a directory in place of a pgbouncer', ['--pgbouncer', home]],
  ['a probe that does not exist', ['--grep', 'reads,raeds-foreign-rows']],
  ['a server that does not answer', ['--target', 'postgres://nobody@127.0.0.1:1/none']],
  ['a value out of bounds', ['--runs', '-1']],
  ['a flag of another command', ['--bench-rows', '5000']],
])(
  '%s ends with 2 at once, leaves no directory, and reports/latest is not the green one',
  async (_, flags) => {
    const startedMs = performance.now()
    expect(await main(['verify', '-q', '--output', output, ...flags])).toBe(2)
    expect(performance.now() - startedMs).toBeLessThan(30_000)
    expect(readdirSync(output).filter((name) => /^\d{4}-/.test(name))).toHaveLength(1)
    expect(readlinkSync(join(output, 'latest'))).toBe('failed-start')
    expect(() => checkedReport(join(output, 'latest'), {})).toThrow(
      expect.objectContaining({
        code: 'WATERTIGHT_NO_REPORT',
        message: expect.stringMatching(/judged nothing: (?!WATERTIGHT_INTERNAL)/),
      }),
    )
  },
)

test.each([
  ['/proc', '/proc/watertight/reports'],
  ['a plain file', join(plainFile, 'reports')],
])('an --output below %s ends with 2 at once', async (_, path) => {
  expect(await main(['verify', '-q', '--grep', 'reads', '--output', path])).toBe(2)
  expect(existsSync(path)).toBe(false)
})

test('a run that is not finished is no report of the run before', () => {
  new RunDirectory(output, { command: 'run', startedAt: new Date(), settings: {} })
  expect(() => checkedReport(join(output, 'latest'), {})).toThrow(
    /is not finished, or was ended from outside/,
  )
})

test('a report from before the limit, or from the future, is inconclusive; a leak in it stays one', () => {
  const stored = (finishedAt: Date) => {
    const path = join(output, `${finishedAt.getTime()}`)
    mkdirSync(path)
    const { run, ...rest } = healthyReport()
    writeFileSync(
      join(path, 'report.json'),
      renderJson({ ...rest, run: { ...run, finishedAt: finishedAt.toISOString() } }),
    )
    return path
  }
  const hour = 3_600_000
  const ages = [0.5 * hour, 2 * hour, -hour].map((ms) => stored(new Date(Date.now() - ms)))
  const codes = (options: Record<string, unknown>) =>
    ages.map((path) => checkedReport(path, options).verdict.exitCode)
  expect(codes({ maxAge: '1h' })).toEqual([0, 3, 3])
  expect(codes({})).toEqual([0, 0, 0])
  expect(() => codes({ maxAge: 'soon' })).toThrow(/--max-age/)
})
