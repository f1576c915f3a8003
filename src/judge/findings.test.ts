/** Findings: one per violated cell, with a key that does not move, worst first. */

import { expect, test } from 'vitest'
import type { Verdict } from '../model/verdict.ts'
import { cell, leakingCell, probes, verdictOf, worlds } from '../../fixtures/records/parts.ts'
import { findingsOf } from './findings.ts'

const leak = { attacker: 'acme', victim: 'globex', rows: [{ id: '1' }] }
const [isp, , ispAsWritten] = worlds
const probe = probes[0]
if (isp === undefined || ispAsWritten === undefined || probe === undefined)
  throw new Error('the parts changed')
const verdict = verdictOf(probe, isp, [
  leakingCell('isp_customers', 'SELECT', leak),
  cell('isp_services', 'SELECT'),
])

test('each violated cell is one finding, whose key holds no row values', () => {
  const [finding, ...others] = findingsOf([verdict])
  expect(others).toEqual([])
  expect(finding).toMatchObject({
    fingerprint: 'reads-foreign-rows:row-level-security/hardened:isp.isp_customers:SELECT',
    id: 'reads-foreign-rows-f03bd953',
    transcript: 'transcripts/reads-foreign-rows-f03bd953.sql',
    replay: '24301,36:0:1',
    gating: true,
    severity: 'critical',
    remedy: 'ALTER TABLE isp_customers FORCE ROW LEVEL SECURITY;',
    title: 'Tenant acme reads a row of tenant globex in isp_customers',
  })
})

test('findings of judged worlds come first, then the worse, whatever the order of the verdicts', () => {
  const low: Verdict = { ...verdict, probe: 'another', severity: 'low' }
  const asWritten = { ...verdict, world: ispAsWritten }
  const order = (verdicts: Verdict[]) =>
    findingsOf(verdicts).map((each) => `${each.gating} ${each.severity}`)
  expect(order([asWritten, low, verdict])).toEqual(['true critical', 'true low', 'false critical'])
  expect(order([low, verdict, asWritten])).toEqual(order([asWritten, low, verdict]))
})

test('what the witness showed overrides the severity of the probe', () => {
  const leaking = leakingCell('isp_customers', 'SELECT', leak)
  const counterexample = leaking.counterexample
  if (counterexample === null) throw new Error('the leaking cell has no counterexample')
  const witness = { ...counterexample.witness, severity: 'low' as const }
  const milder = { ...leaking, counterexample: { ...counterexample, witness } }
  expect(findingsOf([{ ...verdict, cells: [milder] }])[0]?.severity).toBe('low')
})

test('a violation without a counterexample or without a cell is still a finding', () => {
  const bare = { ...leakingCell('isp_customers', 'SELECT', leak), counterexample: null }
  expect(findingsOf([{ ...verdict, cells: [bare] }])[0]).toMatchObject({
    transcript: null,
    title: bare.reason,
  })
  expect(findingsOf([{ ...verdict, cells: [] }])).toHaveLength(1)
})

test('a repeated cell is one finding', () => {
  expect(findingsOf([verdict, verdict])).toHaveLength(1)
})
