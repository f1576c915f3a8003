/** The engine's heart: a leak is found whatever else goes wrong, and nothing that was not tried looks tried. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { vacuousAttempt, type Attempt, type Witness } from '../model/observation.ts'
import type { ProbeDefinition, Scene, SearchSettings } from './define.ts'
import { searchCell } from './search.ts'

const seeds = Array.from({ length: 100 }, (_, index) => index + 1)

class Leak extends Error {}

/** The toy of DESIGN.md: the database leaks for 50 and more, and the connection breaks for less than 10. */
const toy = {
  inputs: fc.integer({ min: 0, max: 100 }),
  leaks: (input: number) => input >= 50,
  breaks: (input: number) => input < 10,
}

test('a property that fails on errors too loses the leak; one that fails on leaks alone keeps it', () => {
  const toldBy = (seed: number, failsOnErrors: boolean) => {
    const { errorInstance } = fc.check(
      fc.property(toy.inputs, (input) => {
        if (toy.breaks(input) && failsOnErrors) throw new Error('the connection broke')
        if (toy.leaks(input)) throw new Leak()
      }),
      { seed, numRuns: 50 },
    )
    return errorInstance instanceof Leak
  }
  expect(seeds.filter((seed) => toldBy(seed, true))).toEqual([])
  expect(seeds.filter((seed) => toldBy(seed, false))).toEqual(seeds)
})

test('the search finds the leak of every seed beside broken connections, and shrinks to the least of it', async () => {
  const found = await Promise.all(seeds.map((seed) => searched(toyProbe, { seed, runs: 50 })))
  expect(found.map(({ outcome }) => outcome)).toEqual(seeds.map(() => 'violated'))
  expect(found.map(({ counterexample }) => counterexample?.input)).toEqual(seeds.map(() => 50))
})

test('a counterexample is found again from its coordinates alone, however many fixed inputs were tried', async () => {
  const examples = [20, 21, 22, 23]
  const probe = { ...toyProbe, examples: () => examples }
  for (const seed of seeds.slice(0, 20)) {
    const { counterexample } = await searched(probe, { seed, runs: 50, examplesMax: 2 })
    const { path, replayPath } = counterexample?.replay ?? { path: '', replayPath: null }
    const again = await searched(probe, { seed, runs: 50, replay: { path, replayPath } })
    expect([again.outcome, again.counterexample?.input]).toEqual(['violated', 50])
  }
})

const kinds = {
  numbers: fc.integer(),
  records: fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), row: fc.nat(), text: fc.string() }),
  lists: fc.array(fc.oneof(fc.boolean(), fc.string()), { maxLength: 5 }),
  'what was chosen before': fc.nat(9).chain((n) => fc.tuple(fc.constant(n), fc.nat(n))),
}

test.each(Object.entries<fc.Arbitrary<unknown>>(kinds))(
  'the inputs that attempts are begun for are those that are asked for: %s',
  async (_, inputs) => {
    for (const seed of seeds.slice(0, 10)) {
      const attempted: unknown[] = []
      let judged = 0
      const { evidence } = await searched(
        {
          inputs: () => inputs,
          examples: () => [{ fixed: 1 }, { fixed: 2 }],
          attempt: (input) => {
            attempted.push(input)
            return Promise.resolve(saw())
          },
          judge: () => {
            // All of them were begun before the first was judged: else each waits for the one before.
            if (judged === 0) expect(new Set(attempted.map(key)).size).toBe(attempted.length)
            judged += 1
            return null
          },
        },
        { seed, runs: 30 },
      )
      expect([evidence.casesTried, judged, attempted.length]).toEqual([32, 32, 32])
    }
  },
)

test('what is not tried is unknown, for each way of not trying it', async () => {
  const aborted = AbortSignal.abort()
  const ways = {
    'no case was tried': await searched(harmless, { seed: 1, runs: 0 }),
    'no positive control saw a row of its own': await searched(
      { ...harmless, control: () => Promise.resolve(saw('control', 0)) },
      { seed: 1, runs: 5 },
    ),
    '1 answers were neither rows nor a refusal': await searched(
      { ...harmless, attempt: onceBroken() },
      { seed: 1, runs: 5 },
    ),
  }
  for (const [reason, verdict] of Object.entries(ways))
    expect([verdict.outcome, verdict.reason]).toEqual(['unknown', reason])
  expect((await searched(harmless, { seed: 1, runs: 5, signal: aborted })).outcome).toBe('unknown')
  expect((await searched(harmless, { seed: 1, runs: 5 })).outcome).toBe('holds')
})

test('inputs that left nothing to attack are no cases: neither asked nor tried', async () => {
  const attempt = (input: number) => Promise.resolve(input % 2 === 0 ? vacuousAttempt : saw())
  const { evidence, outcome } = await searched({ ...harmless, attempt }, { seed: 1, runs: 40 })
  expect(outcome).toBe('holds')
  expect(evidence.casesTried).toBe(evidence.casesAsked)
  expect([evidence.casesTried > 0, evidence.casesTried < 40]).toEqual([true, true])
})

test('shrinking does not turn a grave leak into a slight one that smaller inputs show', async () => {
  const judge = (_: Attempt, input: number): Witness | null =>
    input >= 50
      ? { ...witness, severity: 'critical' }
      : input >= 5
        ? { ...witness, severity: 'low' }
        : null
  for (const seed of seeds.slice(0, 20)) {
    // The grave one is met first; on the way to 50 lie dozens of inputs that show the slight one.
    const probe = { ...harmless, judge, examples: () => [80] }
    const { counterexample } = await searched(probe, { seed, runs: 1 })
    expect([counterexample?.input, counterexample?.witness.severity]).toEqual([50, 'critical'])
  }
})

const witness: Witness = { sentence: 'a leak', rows: [], victim: 'b', command: 'SELECT' }

type Toy<Input> = Pick<ProbeDefinition<Input>, 'inputs'> & {
  readonly attempt: (input: Input) => Promise<Attempt>
  readonly judge: (attempt: Attempt, input: Input) => Witness | null
  readonly examples?: () => readonly unknown[]
  readonly control?: () => Promise<Attempt>
}

const harmless: Toy<number> = {
  inputs: () => fc.integer({ min: 0, max: 1000 }),
  attempt: () => Promise.resolve(saw()),
  judge: () => null,
}

const toyProbe: Toy<number> = {
  inputs: () => toy.inputs,
  attempt: (input) =>
    toy.breaks(input) ? Promise.reject(new Error('the connection broke')) : Promise.resolve(saw()),
  judge: (_, input) => (toy.leaks(input) ? witness : null),
}

/** The search asks nothing of a world but who is in it. */
function searched<Input>({ attempt, control, ...probe }: Toy<Input>, settings: SearchSettings) {
  const definition = {
    control: () => control?.() ?? Promise.resolve(saw('control')),
    attempt: (_world: unknown, _cell: unknown, input: Input) => attempt(input),
    ...probe,
  } as unknown as ProbeDefinition<Input>
  const scene = {
    world: { tenants: [{ id: 'a' }], application: 'app', expects: () => true },
    cell: { object: null, name: 'a_table', path: 'SELECT' },
  } as unknown as Scene
  return searchCell(definition, scene, settings)
}

function saw(role: 'attack' | 'control' = 'attack', rows = 1): Attempt {
  const observation = {
    kind: 'rows' as const,
    rows: Array.from({ length: rows }, () => ({ id: 1 })),
    affected: null,
    truncated: false,
  }
  return { steps: [{ sql: 'SELECT 1', role, observation }], backendPid: 1 }
}

function onceBroken(): () => Promise<Attempt> {
  let asked = 0
  return () => {
    asked += 1
    return asked === 1 ? Promise.reject(new Error('the connection broke')) : Promise.resolve(saw())
  }
}

function key(input: unknown): string {
  return JSON.stringify(input)
}
