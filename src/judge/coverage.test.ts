/** Coverage counts what was tried of what was asked, and names what was not reached. */

import { expect, test } from 'vitest'
import {
  cell,
  evidence,
  leakingCell,
  probes,
  verdictOf,
  worlds,
} from '../../fixtures/records/parts.ts'
import { coverageOf } from './coverage.ts'

const [isp, , asWritten] = worlds
const [probe] = probes
if (isp === undefined || asWritten === undefined || probe === undefined)
  throw new Error('the parts changed')
const nothing = { poolers: [], untested: [], assumptions: [] }
const untried = evidence({ casesAsked: 10, casesTried: 0 })

test('cells are counted by outcome, and a cell without cases is not tried', () => {
  const verdict = verdictOf(probe, isp, [
    cell('a', 'SELECT'),
    cell('b', 'SELECT', { outcome: 'unknown', evidence: untried }),
    cell('c', 'SELECT', { outcome: 'inapplicable', evidence: untried }),
    leakingCell('d', 'SELECT', { attacker: 'x', victim: 'y', rows: [] }),
  ])
  expect(coverageOf([verdict], nothing)).toMatchObject({
    cellsAsked: 3,
    cellsTried: 2,
    cellsHeld: 1,
    cellsViolated: 1,
    cellsUnknown: 1,
    cellsInapplicable: 1,
    objects: 4,
    probesAsked: 1,
    probesTried: 1,
    casesTried: 157,
  })
})

test('as-written worlds are not part of it', () => {
  expect(coverageOf([verdictOf(probe, asWritten, [cell('a', 'SELECT')])], nothing)).toMatchObject({
    probesAsked: 0,
    cellsAsked: 0,
    casesTried: 0,
  })
})

test('a planned probe without a verdict is asked, not tried, and named as untested', () => {
  const coverage = coverageOf([], {
    ...nothing,
    expected: [{ probe: 'reads-foreign-rows', world: isp }],
  })
  expect(coverage).toMatchObject({ probesAsked: 1, probesTried: 0 })
  expect(coverage.untested).toEqual([
    {
      what: 'reads-foreign-rows in isp/row-level-security/hardened',
      why: expect.stringContaining('ended') as string,
    },
  ])
})
