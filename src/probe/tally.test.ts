/** Evidence is what was counted: each kind of answer goes where it belongs, and nowhere else. */

import { expect, test } from 'vitest'
import type { Attempt, Observation, StatementRole } from '../model/observation.ts'
import { vacuousAttempt } from '../model/observation.ts'
import { Tally } from './tally.ts'

const rows = (count: number, affected: number | null = null): Observation => ({
  kind: 'rows',
  rows: Array.from({ length: count }, () => ({ id: 1 })),
  affected,
  truncated: false,
})
const refused: Observation = { kind: 'refused', sqlstate: '42501', message: 'permission denied' }
const broken = (sqlstate: string | null): Observation => ({
  kind: 'indeterminate',
  sqlstate,
  message: 'why',
})

type Seen = readonly (readonly [StatementRole, Observation])[]

function attempt(...steps: Seen): Attempt {
  return {
    steps: steps.map(([role, observation]) => ({ sql: 'SELECT 1', role, observation })),
    backendPid: 1,
  }
}

test('a refusal counts for attacks and comparisons, an unclear answer for every role but the comparison', () => {
  const tally = new Tally()
  tally.addAttempt(attempt(['context', refused], ['attack', refused], ['comparison', refused]))
  expect(tally.evidence(1)).toMatchObject({ casesTried: 1, refused: 2, indeterminate: 0 })
  tally.addAttempt(attempt(['attack', broken('22P02')], ['context', broken('57014')]))
  expect(tally.indeterminate).toBe(2)
  // An error is an answer of an experiment; that it was cut off is none.
  tally.addAttempt(attempt(['comparison', broken('22P02')]))
  expect(tally.indeterminate).toBe(2)
  for (const cutOff of ['57014', null]) tally.addAttempt(attempt(['comparison', broken(cutOff)]))
  expect(tally.indeterminate).toBe(4)
})

test('an attempt without a step proves nothing, and one without anything to attack is no case', () => {
  const tally = new Tally()
  tally.addAttempt({ steps: [], backendPid: null })
  tally.addAttempt(vacuousAttempt)
  expect(tally.evidence(1)).toMatchObject({ casesTried: 1, indeterminate: 1 })
  expect(tally.casesVacuous).toBe(1)
})

test('a control sees by rows returned or rows written, in its own step only', () => {
  const seen = (...steps: Seen) => {
    const tally = new Tally()
    tally.addControl(attempt(...steps))
    return [tally.controlsTried, tally.controlsSeen]
  }
  expect(seen(['control', rows(1)])).toEqual([1, 1])
  expect(seen(['control', rows(0, 1)])).toEqual([1, 1])
  expect(seen(['control', rows(0, 0)])).toEqual([1, 0])
  expect(seen(['proof', rows(1)], ['control', rows(0)])).toEqual([1, 0])
  expect(seen(['control', refused])).toEqual([1, 0])
})

test('five unclear answers are kept and all are counted; backends are shared by two tenants', () => {
  const tally = new Tally()
  for (let index = 0; index < 7; index += 1) tally.addError(new Error(`broken ${index}`))
  expect([tally.indeterminate, tally.kept.map(({ message }) => message).at(-1)]).toEqual([
    7,
    'broken 4',
  ])
  expect(tally.evidence(0).sharedBackends).toBeNull()
  tally.addBackend(1, 'a')
  tally.addBackend(1, 'a')
  tally.addBackend(2, 'b')
  expect(tally.evidence(0).sharedBackends).toBe(0)
  tally.addBackend(2, 'a')
  expect(tally.evidence(0).sharedBackends).toBe(1)
})
