import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { leakingReport } from '../../../fixtures/records/build.ts'
import { extendCorpus, readCorpus } from './corpus.ts'

function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'watertight-corpus-'))
  try {
    work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('what leaked stays known, once each, without rows; the as-written variant does not count', () => {
  inFolder((folder) => {
    const { findings } = leakingReport()
    const executed = findings.filter(
      ({ gating, basis, counterexample }) =>
        gating && basis === 'executed' && counterexample.steps.length > 0,
    )
    expect(executed.length).toBeGreaterThan(0)
    extendCorpus(folder, findings, new Date(0))
    extendCorpus(folder, findings, new Date(1000))
    extendCorpus(folder, [], new Date(2000))
    const known = readCorpus(folder)
    const last = new Date(1000).toISOString()
    expect(
      known.map(({ probe, object, command, foundAt }) => [probe, object, command, foundAt]).sort(),
    ).toEqual(executed.map(({ probe, object, command }) => [probe, object, command, last]).sort())
    expect(Object.keys(known[0] ?? {})).not.toContain('rows')
  })
})

test('no file knows nothing, and a broken one is refused with its path', () => {
  inFolder((folder) => {
    expect(readCorpus(folder)).toEqual([])
    mkdirSync(join(folder, 'baseline'))
    writeFileSync(
      join(folder, 'baseline', 'counterexamples.json'),
      '{"version":1,"counterexamples":[{}]}',
    )
    expect(() => readCorpus(folder)).toThrow(/counterexamples\.json cannot be used/)
  })
})
