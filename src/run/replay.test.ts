import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { reportOf } from '../testing/door.ts'
import { replay } from './replay.ts'

test('the counterexample of a finding leaks again from its token alone', async () => {
  // Detection is proved elsewhere: no mutant is needed to replay a finding.
  const empty = mkdtempSync(join(tmpdir(), 'watertight-replay-'))
  onTestFinished(() => {
    rmSync(empty, { recursive: true })
  })
  const report = await reportOf('run', {
    mutants: empty,
    controls: empty,
    grep: 'views-show-foreign-rows',
    mode: 'rls',
    benchMs: '500',
    tenants: '4',
  })
  const [finding] = report.findings
  expect(finding?.world.variant).toBe('as-written')
  if (finding === undefined) throw new Error('nothing was found')
  const again = await replay(report, finding, null)
  expect([again.outcome, again.sentence]).toEqual(['violated', finding.title])
}, 240_000)
