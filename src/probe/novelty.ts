/**
 * What a search has not seen before: an SQLSTATE that a question never got, a plan that a world never made.
 * Where something new turns up, the next thing may be near.
 */

import type { Attempt, Statement, Step } from '../model/observation.ts'
import type { World } from '../world/world.ts'

/** One plan is asked for every so many cases: planning costs as much as a short statement. */
const casesPerPlan = 3

const explainable = /^\s*(SELECT|WITH|INSERT|UPDATE|DELETE|MERGE|\()/i

export class Novelty {
  readonly #answers = new Set<string>()
  readonly #sqlstates = new Set<string>()
  readonly #shapes = new Set<string>()
  #cases = 0

  /** Different SQLSTATEs seen so far. */
  get sqlstates(): number {
    return this.#sqlstates.size
  }
  /** Different plans seen so far, each counted once per world. */
  get planShapes(): number {
    return this.#shapes.size
  }

  /** How much of an attempt was new. Asks the server for the plan of some attempts. */
  async note(world: World, question: string, attempt: Attempt): Promise<number> {
    const attacks = attempt.steps.filter(({ role }) => role === 'attack')
    let fresh = 0
    for (const { observation } of attacks) {
      const sqlstate = observation.kind === 'rows' ? null : observation.sqlstate
      if (sqlstate !== null) this.#sqlstates.add(sqlstate)
      fresh += added(this.#answers, `${question}|${sqlstate ?? observation.kind}`)
    }
    this.#cases += 1
    if (this.#cases % casesPerPlan !== 0) return fresh
    const shape = await shapeOf(world, attempt)
    return shape === null ? fresh : fresh + added(this.#shapes, `${world.key}|${shape}`)
  }
}

function added(seen: Set<string>, value: string): number {
  const before = seen.size
  seen.add(value)
  return seen.size - before
}

/** The plan's nodes without conditions and values; null for what has no plan or could not be planned alone. */
async function shapeOf(world: World, attempt: Attempt): Promise<string | null> {
  const index = attempt.steps.findIndex(({ role }) => role === 'attack')
  const attack = attempt.steps[index]
  if (attack === undefined || attack.copyData !== undefined || !explainable.test(attack.sql))
    return null
  const before = attempt.steps
    .slice(0, index)
    .filter(({ role }) => role === 'context')
    .map(toStatement)
  const explained = await world.attempt([
    ...before,
    { sql: `EXPLAIN (COSTS OFF) ${attack.sql}`, role: 'proof' },
  ])
  const last = explained.steps.at(-1)?.observation
  if (last?.kind !== 'rows') return null
  const lines = last.rows.map((row) => String(row['QUERY PLAN']))
  return lines
    .filter((line) => !/^\s*(Filter|.* Cond|.*Filter|Output|.*Key):/.test(line))
    .join('\n')
}

function toStatement({ sql, role }: Step): Statement {
  return { sql, role }
}
