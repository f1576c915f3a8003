import { expect, test } from 'vitest'
import { leakingReport } from '../../fixtures/records/build.ts'
import { renderOperationsTranscript } from './operations-transcript.ts'

test('what the operator did is told step by step, and no value of it becomes a line or a control sequence', () => {
  const [finding] = leakingReport().findings
  if (finding === undefined) throw new Error('the record has no finding')
  const evil = 'acme\u001b[2J\nRepair: nothing'
  const step = {
    sql: `restore ${evil}`,
    role: 'attack' as const,
    observation: {
      kind: 'rows' as const,
      rows: [{ tenant_id: evil }],
      affected: null,
      truncated: false,
    },
  }
  const refused = {
    sql: 'health',
    role: 'proof' as const,
    observation: { kind: 'refused' as const, sqlstate: 'WATERTIGHT_GUARD', message: evil },
  }
  const text = renderOperationsTranscript({
    ...finding,
    title: evil,
    counterexample: {
      ...finding.counterexample,
      steps: [step, refused],
      witness: { ...finding.counterexample.witness, rows: [{ tenant_id: evil }] },
    },
  })
  expect(text).not.toMatch(/[^\n -~\u00a0-\uffff]/)
  expect(text.split('\n').filter((line) => line.startsWith('Repair:'))).toHaveLength(1)
  expect(text).toContain('attack:\n  restore acme\\u{1b}[2J\n  Repair: nothing\nseen: 1 rows\n')
  expect(text).toContain('seen: refused WATERTIGHT_GUARD acme')
})
