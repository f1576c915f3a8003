/** The server suite on the installed PostgreSQL: what its version predicts, and nothing that was repaired. */

import { expect, test } from 'vitest'
import { isAffected, serverDefects } from '../src/index.ts'
import { reportOf } from '../src/testing/door.ts'

test('the installed server shows no repaired defect, and the platform keeps the others out of reach', async () => {
  const report = await reportOf('verify', { grep: 'server/', mode: 'rls' })
  const { findings, verdicts, coverage, target, verdict } = report
  const known = serverDefects
    .filter((each) => isAffected(each, target.serverVersionNum))
    .map(({ id }) => id)
  expect(findings.map(({ object, severity }) => `${object} ${severity}`)).toEqual(
    known.map((id) => `${id} low`),
  )
  const rehearsed = verdicts
    .filter(({ basis }) => basis === 'executed')
    .flatMap(({ cells }) => cells)
  expect(
    rehearsed.filter(({ object }) => !known.includes(object)).map(({ outcome }) => outcome),
  ).toEqual(Array.from({ length: rehearsed.length - known.length }, () => 'holds'))
  for (const id of known) expect(coverage.assumptions.join('\n')).toContain(id)
  expect(verdict.exitCode).toBe(0)
}, 120_000)
