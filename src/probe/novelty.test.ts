/** Where the search goes next is decided by what was new: counted twice it circles, not counted it is blind. */

import { expect, test } from 'vitest'
import type { Attempt, Observation, Statement } from '../model/observation.ts'
import type { World } from '../world/world.ts'
import { Novelty } from './novelty.ts'

const seen = (lines: readonly string[]): Observation => ({
  kind: 'rows',
  rows: lines.map((line) => ({ 'QUERY PLAN': line })),
  affected: null,
  truncated: false,
})
const refused = (sqlstate: string): Observation => ({ kind: 'refused', sqlstate, message: 'no' })

function attack(observation: Observation, sql = 'SELECT 1'): Attempt {
  const context = { sql: 'SET LOCAL ROLE a', role: 'context' as const, observation: seen([]) }
  return { steps: [context, { sql, role: 'attack', observation }], backendPid: 1 }
}

/** Answers EXPLAIN with the plan at hand, and keeps what it was asked. */
function worldOf(key: string, plan: { lines: readonly string[] }) {
  const asked: string[][] = []
  const world = {
    key,
    attempt: (statements: readonly Statement[]): Promise<Attempt> => {
      asked.push(statements.map(({ sql }) => sql))
      const steps = statements.map((each) => ({ ...each, observation: seen(plan.lines) }))
      return Promise.resolve({ steps, backendPid: 1 })
    },
  } as unknown as World
  return { world, asked }
}

test('an SQLSTATE is new once for each question, and is counted once in all', async () => {
  const { world } = worldOf('w', { lines: [] })
  const novelty = new Novelty()
  const answers = []
  for (const [question, observation] of [
    ['one', refused('42501')],
    ['one', refused('42501')],
    ['two', refused('42501')],
    ['one', refused('42P01')],
  ] as const)
    answers.push(await novelty.note(world, question, attack(observation, 'COPY a TO STDOUT')))
  expect(answers).toEqual([1, 0, 1, 1])
  expect([novelty.sqlstates, novelty.planShapes]).toEqual([2, 0])
})

test('one attack of three is explained in its context; a plan is new by its nodes, not by its values', async () => {
  const plan = { lines: ['Seq Scan on a', '  Filter: (id = 1)'] }
  const { world, asked } = worldOf('w', plan)
  const novelty = new Novelty()
  const note = async (in_ = world) => {
    let fresh = 0
    for (let index = 0; index < 3; index += 1)
      fresh += await novelty.note(in_, 'q', attack(seen([])))
    return fresh
  }
  expect(await note()).toBe(2)
  expect(asked).toEqual([['SET LOCAL ROLE a', 'EXPLAIN (COSTS OFF) SELECT 1']])
  plan.lines = ['Seq Scan on a', '  Filter: (id = 2)']
  expect(await note()).toBe(0)
  plan.lines = ['Index Scan using a_pkey on a', '  Index Cond: (id = 2)']
  expect(await note()).toBe(1)
  // The same plan in another world is another one.
  expect(await note(worldOf('v', plan).world)).toBe(1)
  expect(novelty.planShapes).toBe(3)
})
