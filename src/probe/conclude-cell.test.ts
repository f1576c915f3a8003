import { expect, test } from 'vitest'
import type { Evidence } from '../model/verdict.ts'
import { concludeCell } from './tally.ts'

const good: Evidence = {
  casesAsked: 5,
  casesTried: 5,
  controlsTried: 3,
  controlsSeen: 3,
  refused: 0,
  indeterminate: 0,
  sharedBackends: null,
}
const usual = { privilege: 'granted', possible: true } as const

test('a cell holds when every case was tried, nothing was indeterminate and a control saw rows', () => {
  expect(concludeCell(good, usual).outcome).toBe('holds')
})

test.each<[string, Partial<Evidence>]>([
  ['no case was tried', { casesAsked: 0, casesTried: 0 }],
  ['fewer cases were tried than asked', { casesTried: 4 }],
  ['an answer was indeterminate', { indeterminate: 1 }],
  ['no control saw a row', { controlsSeen: 0 }],
  ['no backend was shared', { sharedBackends: 0 }],
])('a cell is unknown when %s', (_, evidence) => {
  expect(concludeCell({ ...good, ...evidence }, usual).outcome).toBe('unknown')
})

test('a missing privilege that the platform grants is unknown, one that it never grants holds', () => {
  const refused = { ...good, controlsTried: 0, controlsSeen: 0, refused: 5 }
  expect(concludeCell(refused, { ...usual, privilege: 'missing' }).outcome).toBe('unknown')
  expect(concludeCell(refused, { ...usual, privilege: 'absent' }).outcome).toBe('holds')
})
