/** A run is judged again from its directory: as it was, otherwise by another judge, and never greener than it was. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { judgeRun } from '../cli/judge-run.ts'
import { rulesFrom } from '../gate/rules.ts'
import type { Report } from '../model/report.ts'
import type { LoadedProbe } from '../probe/ask.ts'
import { NeedsServer } from '../probe/judge-again.ts'
import { loadProbes } from '../probe/load-probes.ts'
import type { Probe } from '../probe/define.ts'
import { executedIn } from '../testing/door.ts'
import { judgeReport, type JudgedAgain } from './judge-report.ts'
import { observationsIn } from './store/read-observations.ts'

const output = mkdtempSync(join(tmpdir(), 'watertight-judge-'))
let run: { readonly path: string; readonly report: Report; readonly seen: string }
let probes: readonly LoadedProbe[]

beforeAll(async () => {
  const flags = { mode: 'rls', grep: 'deletes', tenants: '5', rows: '20' }
  const { directory } = await executedIn(output, { command: 'verify', flags })
  const read = (name: string) => readFileSync(join(directory.path, name), 'utf8')
  run = {
    path: directory.path,
    report: JSON.parse(read('report.json')) as Report,
    seen: read('observations.jsonl'),
  }
  probes = await loadProbes()
}, 240_000)
afterAll(() => {
  rmSync(output, { recursive: true, force: true })
})

/** Judged with the probe deletes-foreign-rows changed. */
function judged(change: Partial<Probe> = {}, seen = run.seen): JudgedAgain {
  return judgeReport(run.report, {
    observations: observationsIn(seen, 'f'),
    rules: rulesFrom({ allowPartial: true }),
    probes: probes.map((loaded) =>
      loaded.id === 'deletes-foreign-rows'
        ? { ...loaded, probe: { ...loaded.probe, ...change } }
        : loaded,
    ),
  })
}

const others = ({ verdicts }: Report) =>
  verdicts.filter(({ probe }) => probe !== 'deletes-foreign-rows')

test('the same probes say the same of every cell', () => {
  const { report, differences, kept, cells } = judged()
  expect([differences, kept]).toEqual([[], []])
  expect(cells).toBe(run.report.coverage.cellsAsked)
  expect(report.verdicts).toEqual(run.report.verdicts)
  expect([report.verdict, report.gates]).toEqual([run.report.verdict, run.report.gates])
  const { assumptions, ...coverage } = report.coverage
  expect({ ...coverage, assumptions: assumptions.slice(0, -1) }).toEqual(run.report.coverage)
  expect(assumptions.at(-1)).toContain(`from the observations of run ${run.report.run.id}`)
})

test('a probe whose judge was changed is asked by it, and says cell by cell what is different', () => {
  const broken: Probe['judgeAgain'] = ({ cell }, { cases, seed }) => {
    const honest = probes.find(({ id }) => id === 'deletes-blindly')?.probe
    const [verdict] = run.report.verdicts.flatMap((each) => each.cells)
    if (honest === undefined || verdict === undefined) throw new Error('nothing was asked')
    return {
      ...verdict,
      object: cell.name,
      path: cell.path,
      outcome: 'violated',
      reason: 'everything leaks',
      counterexample: {
        input: cases[0]?.input,
        steps: cases[0]?.attempt?.steps ?? [],
        witness: { sentence: 'everything leaks', rows: [], victim: null, command: cell.path },
        replay: { seed, path: '0', replayPath: null },
        shrinks: 0,
        casesToWitness: 1,
        msToWitness: 0,
        login: 'app',
      },
    }
  }
  const { report, differences } = judged({ judgeAgain: broken })
  const asked = run.report.verdicts.filter(({ probe }) => probe === 'deletes-foreign-rows')
  expect(differences).toHaveLength(asked.flatMap(({ cells }) => cells).length)
  expect(differences[0]).toMatchObject({
    probe: 'deletes-foreign-rows',
    before: { outcome: 'holds' },
    after: { outcome: 'violated', reason: 'everything leaks' },
  })
  expect(report.verdict.exitCode).toBe(1)
  expect(report.findings).toHaveLength(differences.length)
  expect(others(report)).toEqual(others(run.report))
})

test('what cannot be judged again says so and stays as it was', () => {
  const never = judged({ judgeAgain: undefined } as unknown as Partial<Probe>)
  const asking: Probe['judgeAgain'] = ({ world }) => {
    throw new NeedsServer(`it asks ${world.key}`)
  }
  for (const { kept, report, differences } of [never, judged({ judgeAgain: asking })]) {
    expect(differences).toEqual([])
    expect(kept.map(({ probe }) => probe)).toEqual(['deletes-foreign-rows', 'deletes-foreign-rows'])
    expect(report.coverage.assumptions.at(-1)).toContain('not judged again: 25 cells of deletes')
    expect(report.verdicts).toEqual(run.report.verdicts)
  }
})

test('a judge that reaches for a connection meets none', () => {
  const hands = ['admin', 'attempt', 'connect', 'companion', 'look', 'write', 'options']
  const [world] = [...observationsIn(run.seen, 'f').worlds.values()]
  for (const hand of hands)
    expect(() => (world as unknown as Record<string, unknown>)[hand]).toThrow(NeedsServer)
})

test.each([
  ['lines that are lost', (line: string) => !line.includes('"probe":"deletes-foreign-rows"')],
  ['a world that is lost', (line: string) => !line.startsWith('{"kind":"world"')],
])('%s make cells unknown', (_, isThere) => {
  const lines = run.seen.split('\n').filter(isThere)
  const { report, differences } = judged({}, lines.join('\n'))
  expect(new Set(differences.map(({ after }) => after.outcome))).toEqual(new Set(['unknown']))
  expect(differences.length).toBeGreaterThan(0)
  expect(report.verdict.exitCode).toBe(3)
})

test('cases that were cut make their cell unknown', () => {
  const lines = run.seen.split('\n').map((line) => {
    if (!line.startsWith('{"kind":"cell"')) return line
    const cell = JSON.parse(line) as { seen: { cases: unknown[]; cut: number } }
    cell.seen.cases.pop()
    cell.seen.cut = 1
    return JSON.stringify(cell)
  })
  const { report, differences } = judged({}, lines.join('\n'))
  expect(differences).toHaveLength(run.report.coverage.cellsAsked)
  expect(report.coverage.cellsHeld).toBe(0)
})

test('the command writes nothing over the run, and a run of its own where it is told to', async () => {
  const files = ['report.json', 'observations.jsonl', 'verdicts.json', 'decision.json', 'run.json']
  const content = () => files.map((name) => readFileSync(join(run.path, name), 'utf8'))
  const before = content()
  const elsewhere = join(output, 'elsewhere')
  const code = await silently(() => judgeRun(run.path, { output: elsewhere }))
  expect(code).toBe(run.report.verdict.exitCode)
  expect(content()).toEqual(before)
  const read = (name: string) =>
    JSON.parse(readFileSync(join(elsewhere, 'latest', name), 'utf8')) as unknown
  expect(read('differences.json')).toMatchObject({ judged: run.report.run.id, differences: [] })
  expect((read('report.json') as Report).verdicts).toEqual(run.report.verdicts)
})

test.each([
  ['no directory', 'WATERTIGHT_NO_REPORT', (): string => '/no/such/run'],
  [
    'a report of another version',
    'WATERTIGHT_BAD_REPORT',
    () => copyWith({ ...run.report, reportVersion: 99 }),
  ],
  ['a run that stored no observations', 'WATERTIGHT_NO_OBSERVATIONS', () => copyWith(run.report)],
  [
    'a probe that is not there any more',
    'WATERTIGHT_NO_PROBE',
    () => {
      const [first, ...rest] = run.report.verdicts
      return copyWith({ ...run.report, verdicts: [{ ...first, probe: 'gone' }, ...rest] }, run.seen)
    },
  ],
])('%s is an error with a hint', async (_, code, pathOf) => {
  await expect(silently(() => judgeRun(pathOf(), {}))).rejects.toMatchObject({
    code,
    exitCode: 2,
    hint: expect.stringMatching(/.{10,}/) as string,
  })
})

function copyWith(report: unknown, seen: string | null = null): string {
  const path = mkdtempSync(join(output, 'copy-'))
  writeFileSync(join(path, 'report.json'), JSON.stringify(report))
  if (seen !== null) writeFileSync(join(path, 'observations.jsonl'), seen)
  return path
}

async function silently<T>(work: () => Promise<T>): Promise<T> {
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = () => true
  try {
    return await work()
  } finally {
    process.stdout.write = write
  }
}
