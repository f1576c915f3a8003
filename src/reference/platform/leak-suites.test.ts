import { expect, test } from 'vitest'
import { services, type Service } from '../../model/tenancy.ts'
import type { CellVerdict, Evidence, Outcome, Verdict } from '../../model/verdict.ts'
import { answerOf } from './leak-suites.ts'

test('a recovered database that was not attacked is a fault, even beside one that was', () => {
  const [management, isp] = services.map((service) => verdictOf(service, 'holds', 5))
  if (management === undefined || isp === undefined) throw new Error('There are two services')
  expect(answerOf([management, isp])).toEqual({
    asked: { probes: 2, cells: 2, cases: 10 },
    faults: [],
  })
  expect(answerOf([management, verdictOf('isp', 'inapplicable', 0)]).faults).toEqual([
    'isp: the leak suites attacked nothing',
  ])
  // Reading the catalogue is no attack.
  expect(answerOf([management, verdictOf('isp', 'holds', 5, 'catalogue')]).faults).toEqual([
    'isp: the leak suites attacked nothing',
  ])
  expect(answerOf([]).faults).toEqual(
    services.map((service) => `${service}: the leak suites attacked nothing`),
  )
  expect(answerOf([management, isp, verdictOf('isp', 'unknown', 0)]).faults).toEqual([
    'isp, a-probe: unknown: why',
  ])
})

function verdictOf(
  service: Service,
  outcome: Outcome,
  casesTried: number,
  basis: Verdict['basis'] = 'executed',
): Verdict {
  const evidence: Evidence = {
    casesAsked: casesTried,
    casesTried,
    controlsTried: 1,
    controlsSeen: 1,
    refused: 0,
    indeterminate: 0,
    sharedBackends: null,
  }
  const cell: CellVerdict = {
    object: 'public.a',
    path: 'SELECT',
    outcome,
    reason: 'why',
    evidence,
    counterexample: null,
    indeterminate: [],
  }
  return {
    probe: 'a-probe',
    suite: 'isolation',
    way: 'session',
    claim: 'c',
    source: 's',
    severity: 'critical',
    remedy: 'r',
    world: { service, tenancy: 'row-level-security', variant: 'hardened' },
    database: service,
    outcome,
    reason: 'why',
    evidence,
    cells: casesTried === 0 ? [] : [cell],
    durationMs: 1,
    basis,
  }
}
