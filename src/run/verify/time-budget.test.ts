import { expect, test } from 'vitest'
import { reportOf } from '../../testing/door.ts'

test('time that is left after every cell was asked is spent on further cases', async () => {
  const { search, verdict } = await reportOf('verify', {
    timeMs: '14s',
    grep: 'reads-foreign-rows',
    mode: 'rls',
  })
  expect(search?.firstPassMs).not.toBeNull()
  expect([
    search?.budgetMs,
    (search?.rounds ?? 0) > 10,
    (search?.cases ?? 0) > 100,
    (search?.planShapes ?? 0) > 1,
  ]).toEqual([14_000, true, true, true])
  expect(verdict.exitCode).toBe(0)
}, 60_000)

test('time that was over before every cell was asked leaves cells unknown, never green', async () => {
  const { search, verdict, coverage } = await reportOf('verify', { timeMs: '4s', mode: 'rls' })
  expect([search?.firstPassMs, verdict.exitCode, coverage.cellsUnknown > 0]).toEqual([
    null,
    3,
    true,
  ])
}, 60_000)
