import { expect, test } from 'vitest'
import { reportOf } from '../testing/door.ts'
import { replay } from './replay.ts'

test('the counterexample of a finding leaks again from its token alone', async () => {
  const report = await reportOf('run', {
    grep: 'views-show-foreign-rows',
    mode: 'rls',
    benchMs: '500',
    tenants: '4',
  })
  const [finding] = report.findings
  expect(finding?.world.variant).toBe('as-written')
  if (finding === undefined) return
  const again = await replay(report, finding, null)
  expect([again.outcome, again.sentence]).toEqual(['violated', finding.title])
}, 240_000)
