import { expect, test } from 'vitest'
import type { CellVerdict } from '../model/verdict.ts'
import { inherent, withoutUnclaimed } from './inherent.ts'

const witness = inherent('statistics', {
  sentence: 'it counts 7 rows',
  rows: [],
  victim: null,
  command: 'EXPLAIN',
})
const evidence = {
  casesAsked: 1,
  casesTried: 1,
  controlsTried: 1,
  controlsSeen: 1,
  refused: 0,
  indeterminate: 0,
  sharedBackends: null,
}

function violated(): CellVerdict {
  if (witness === null) throw new Error('a witness stays a witness')
  return {
    object: 'a',
    path: 'EXPLAIN',
    outcome: 'violated',
    reason: witness.sentence,
    evidence,
    indeterminate: [],
    counterexample: {
      input: null,
      steps: [],
      witness,
      replay: { seed: 1, path: '0', replayPath: null },
      shrinks: 0,
      casesToWitness: 1,
      msToWitness: 0,
      login: 'app',
    },
  }
}

test('a channel that no database closes is an assumption, until the target claims to have closed it', () => {
  const assumed = withoutUnclaimed(violated(), new Set())
  expect([assumed.outcome, assumed.counterexample]).toEqual(['inapplicable', null])
  expect(assumed.reason).toContain('it counts 7 rows')
  expect(withoutUnclaimed(violated(), new Set(['statistics'])).outcome).toBe('violated')
  expect(withoutUnclaimed(violated(), new Set(['locks'])).outcome).toBe('inapplicable')
})
