/** Threads share the questions out among them: together they ask what one asks alone, each question once. */

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import type { Report } from '../../model/report.ts'
import { packageRoot } from '../../registry.ts'

/** As a user starts it: threads run the built program. */
async function verified(workers: number): Promise<Report> {
  const output = await mkdtemp(join(tmpdir(), 'watertight-threads-'))
  onTestFinished(() => rm(output, { recursive: true, force: true }))
  const flags = ['--quick', '--mode', 'rls', '--grep', 'deletes', '--tenants', '5', '--rows', '20']
  const script = join(packageRoot(), 'scripts', 'watertight.mjs')
  const all = [
    'verify',
    ...flags,
    '--workers',
    String(workers),
    '--output',
    output,
    '-q',
    '--allow-partial',
  ]
  await promisify(execFile)(process.execPath, [script, ...all], { cwd: output })
  return JSON.parse(await readFile(join(output, 'latest', 'report.json'), 'utf8')) as Report
}

test('two threads ask the cells that one asks, once each, and name the databases that were copied', async () => {
  const [alone, together] = [await verified(1), await verified(2)]
  const questions = ({ verdicts }: Report) =>
    verdicts
      .flatMap(({ probe, database, cells }) =>
        cells.map(({ object, path, outcome, evidence }) =>
          [probe, database, object, path, outcome, evidence.casesAsked].join(' '),
        ),
      )
      .sort()
  expect(new Set(alone.verdicts.map(({ probe }) => probe)).size).toBeGreaterThan(1)
  expect(questions(alone).length).toBeGreaterThan(10)
  expect(questions(together)).toEqual(questions(alone))
  expect([alone.verdict.exitCode, together.verdict.exitCode]).toEqual([0, 0])
}, 300_000)
