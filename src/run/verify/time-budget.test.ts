import { expect, test } from 'vitest'
import { reportOf } from '../../testing/door.ts'

test('time that is left after every cell was asked is spent on further cases', async () => {
  const { search, verdict } = await reportOf('verify', {
    timeMs: '10s',
    tenants: '4',
    rows: '40',
    grep: 'reads-foreign-rows',
    mode: 'rls',
  })
  expect(search?.firstPassMs).not.toBeNull()
  // How many rounds fit into it is the machine's; that each of them tried cases is ours.
  const { rounds = 0, cases = 0, planShapes = 0 } = search ?? {}
  expect([search?.budgetMs, rounds > 0, cases >= rounds, planShapes > 0]).toEqual([
    10_000,
    true,
    true,
    true,
  ])
  expect(verdict.exitCode).toBe(0)
}, 60_000)

test('time that was over before every cell was asked leaves cells unknown, never green', async () => {
  const { search, verdict, coverage } = await reportOf('verify', { timeMs: '2s', mode: 'rls' })
  expect([search?.firstPassMs, verdict.exitCode, coverage.cellsUnknown > 0]).toEqual([
    null,
    3,
    true,
  ])
}, 60_000)
