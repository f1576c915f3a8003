/** What was seen is judged as it was by the same judge, and honestly by another one; what was cut never holds. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { vacuousAttempt, type Attempt, type Step, type Witness } from '../model/observation.ts'
import type { ProbeDefinition, Scene, SearchSettings } from './define.ts'
import { judgeAgain } from './judge-again.ts'
import type { CellObservations } from './observed.ts'
import { searchCell } from './search.ts'

const seeds = Array.from({ length: 60 }, (_, index) => index + 1)
const world = { tenants: [{ id: 'a' }, { id: 'b' }], application: 'app', expects: () => true }
const cell = { object: null, name: 'a_table', path: 'SELECT' }
const scene = { world, cell } as unknown as Scene

type Judge = (attempt: Attempt, input: number) => Witness | null

function step(role: Step['role'], observation: Step['observation']): Step {
  return { sql: `SELECT /* ${role} */`, role, observation }
}

const rows = (count: number): Step['observation'] => ({
  kind: 'rows',
  rows: Array.from({ length: count }, (_, id) => ({ id })),
  affected: null,
  truncated: false,
})

/** Everything that an attempt can be: rows, refusals, nothing to attack, broken connections. */
function attempt(input: number): Promise<Attempt> {
  if (input % 11 === 3) return Promise.resolve(vacuousAttempt)
  if (input % 13 === 5) return Promise.reject(new Error('the connection broke'))
  const refused = { kind: 'refused', sqlstate: '42501', message: 'no' } as const
  const unclear = { kind: 'indeterminate', sqlstate: '40P01', message: 'deadlock' } as const
  const seen = input % 7 === 2 ? refused : input % 17 === 4 ? unclear : rows(input)
  return Promise.resolve({ steps: [step('attack', seen)], backendPid: input })
}

const leaks =
  (least: number): Judge =>
  ({ steps: [first] }) => {
    const count = first?.observation.kind === 'rows' ? first.observation.rows.length : 0
    if (count < least) return null
    const severity = count >= 60 ? 'critical' : 'low'
    return { sentence: `${count} rows`, rows: [], victim: 'b', command: 'SELECT', severity }
  }

function definitionWith(judge: Judge, further: Partial<ProbeDefinition<number>> = {}) {
  return {
    inputs: () => fc.integer({ min: 0, max: 100 }),
    examples: () => [1, 6, 8],
    attempt: (_world: unknown, _cell: unknown, input: number) => attempt(input),
    control: () => Promise.resolve({ steps: [step('control', rows(1))], backendPid: 1 }),
    judge,
    ...further,
  } as unknown as ProbeDefinition<number>
}

async function observed(
  definition: ProbeDefinition<number>,
  settings: Partial<SearchSettings> & { readonly seed: number },
) {
  let seen: CellObservations | null = null
  const verdict = await searchCell(definition, scene, {
    runs: 40,
    ...settings,
    onSearched: (observations) => {
      seen = JSON.parse(JSON.stringify(observations)) as CellObservations
    },
  })
  if (seen === null) throw new Error('nothing was observed')
  return { verdict, seen: seen as CellObservations }
}

test('the same judge says the same of what was seen, whatever it was', async () => {
  const outcomes = new Set<string>()
  for (const seed of seeds)
    for (const least of [0, 30, 95, 101]) {
      const definition = definitionWith(leaks(least))
      const { verdict, seen } = await observed(definition, { seed, examplesMax: seed % 4 })
      expect(judgeAgain(definition, scene, seen)).toEqual(verdict)
      outcomes.add(verdict.outcome)
      if (verdict.counterexample === null) continue
      const { path, replayPath } = verdict.counterexample.replay
      const again = await observed(definition, { seed, replay: { path, replayPath } })
      expect(judgeAgain(definition, scene, again.seen)).toEqual(again.verdict)
    }
  expect([...outcomes].sort()).toEqual(['unknown', 'violated'])
})

test('controls, privileges and empty-handed inputs count as they did', async () => {
  const quiet = (further: Partial<ProbeDefinition<number>>) =>
    definitionWith(() => null, {
      attempt: () => Promise.resolve({ steps: [step('attack', rows(0))], backendPid: 1 }),
      ...further,
    })
  const blind = { steps: [step('control', rows(0))], backendPid: 1 }
  const all = {
    holds: quiet({}),
    blind: quiet({ control: () => Promise.resolve(blind) }),
    unprivileged: quiet({ control: () => null }),
    'nothing to attack': quiet({ attempt: () => Promise.resolve(vacuousAttempt) }),
  }
  const outcomes: Record<string, string> = {}
  for (const [name, definition] of Object.entries(all)) {
    const { verdict, seen } = await observed(definition, { seed: 1 })
    expect(judgeAgain(definition, scene, seen)).toEqual(verdict)
    outcomes[name] = verdict.outcome
  }
  expect(outcomes).toMatchObject({ holds: 'holds', blind: 'unknown', unprivileged: 'unknown' })
})

test('a repaired judge finds the leak that a blind one had before its eyes, where a replay finds it', async () => {
  for (const seed of seeds) {
    const { verdict, seen } = await observed(
      definitionWith(() => null),
      { seed },
    )
    expect(verdict.outcome).not.toBe('violated')
    const seeing = definitionWith(leaks(70))
    const { outcome, counterexample } = judgeAgain(seeing, scene, seen)
    if (outcome !== 'violated' || counterexample === null) {
      expect(
        seen.cases.every(({ attempt }) => attempt === null || leaks(70)(attempt, 0) === null),
      ).toBe(true)
      continue
    }
    const { path, replayPath } = counterexample.replay
    const live = await observed(seeing, { seed, replay: { path, replayPath } })
    expect(live.verdict.counterexample?.input).toEqual(counterexample.input)
  }
})

test('a judge that turned blind does not make a leak hold: what was not tried after it is missing', async () => {
  for (const seed of seeds) {
    const { verdict, seen } = await observed(definitionWith(leaks(40)), { seed })
    if (verdict.outcome !== 'violated') continue
    const blind = judgeAgain(
      definitionWith(() => null),
      scene,
      seen,
    )
    expect(blind.outcome).toBe('unknown')
    expect(blind.counterexample).toBeNull()
  }
})

test('a leak that only a smaller input showed is one', async () => {
  for (const seed of seeds) {
    const { verdict, seen } = await observed(definitionWith(leaks(40)), { seed })
    const shrunk = seen.cases.filter((each) => each.shrunk === true)
    const least = verdict.counterexample?.input
    if (shrunk.length === 0 || typeof least !== 'number') continue
    const onlyLeast: Judge = (_, input) =>
      input === least ? { sentence: 'the least', rows: [], victim: null, command: 'SELECT' } : null
    expect(judgeAgain(definitionWith(onlyLeast), scene, seen).outcome).toBe('violated')
  }
})
