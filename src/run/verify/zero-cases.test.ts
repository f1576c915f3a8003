import { expect, test } from 'vitest'
import { reportOf } from '../../testing/door.ts'

test('a run that tries no case is inconclusive, never green', async () => {
  const { verdict, verdicts } = await reportOf('verify', { runs: '0', grep: 'reads-foreign-rows' })
  expect([verdict.exitCode, new Set(verdicts.map(({ outcome }) => outcome))]).toEqual([
    3,
    new Set(['unknown']),
  ])
})
