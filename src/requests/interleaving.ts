/** Whole requests running concurrently on one event loop, with a list of choices deciding who goes on. */

import fc from 'fast-check'
import { sqlstateOf } from '../errors.ts'
import type { StrategyPool, StrategySession } from '../model/context-strategy.ts'
import type { TenantId } from '../model/tenant.ts'
import type { Row } from '../model/observation.ts'
import { strategyTenant } from './strategy-tenant.ts'
import { WitnessSeen, type RequestRun } from './request-run.ts'
import { poolInTurns, Turns } from './turns.ts'
import type { World } from '../world/world.ts'

export interface PlannedRequest {
  readonly tenant: TenantId
  /** Canary queries it makes, from 1. */
  readonly queries: number
  /** How it ends: `errors` fails in SQL before its last query and goes on, `throws` ends with an error. */
  readonly ends: 'returns' | 'throws' | 'errors'
}

export interface Interleaving {
  readonly requests: readonly PlannedRequest[]
  /** Who goes on at each turn; see Turns. */
  readonly choices: readonly number[]
}

export function anyInterleaving(world: World): fc.Arbitrary<Interleaving> {
  const request: fc.Arbitrary<PlannedRequest> = fc.record({
    tenant: fc.constantFrom(...world.tenants.map((tenant) => tenant.id)),
    queries: fc.integer({ min: 1, max: 2 }),
    ends: fc.constantFrom('returns', 'returns', 'throws', 'errors'),
  })
  return fc.record({
    requests: fc.array(request, { minLength: 2, maxLength: 3 }),
    choices: fc.array(fc.nat({ max: 3 }), { maxLength: 40, size: 'max' }),
  })
}

/** Tried first: one request waits after its nth turn until another has run, and two in step, one of them failing. */
export function knownInterleavings(world: World): readonly Interleaving[] {
  const [first, second] = world.tenants.map((tenant) => tenant.id)
  if (first === undefined || second === undefined) return []
  const pair = (ends: PlannedRequest['ends'], choices: readonly number[]): Interleaving => ({
    requests: [
      { tenant: first, queries: 2, ends },
      { tenant: second, queries: 2, ends: 'returns' },
    ],
    choices,
  })
  const inStep = Array.from({ length: 12 }, () => 1)
  return [
    ...[2, 3, 4].map((turns) => pair('returns', [...Array.from({ length: turns }, () => 0), 1])),
    pair('throws', inStep),
    pair('errors', inStep),
  ]
}

/** Runs the requests to their end; the timeline ends where the witness was seen. */
export async function interleave(
  run: RequestRun,
  { requests, choices }: Interleaving,
): Promise<readonly string[]> {
  const turns = new Turns(
    choices,
    requests.map(({ tenant }) => tenant),
  )
  const pool = poolInTurns(run.pool, turns, run.scene.rig.slots)
  let seenAt: number | undefined
  run.onWitness = () => {
    seenAt ??= turns.timeline.length
  }
  const settled = await turns.all(
    requests.map((request) => async () => {
      try {
        await execute(run, pool, request)
      } catch (error) {
        if (!(error instanceof WitnessSeen)) throw error
      }
    }),
  )
  const failed = settled.find((outcome) => outcome.status === 'rejected')
  if (run.witness === null && failed !== undefined) throw failed.reason
  return turns.timeline.slice(0, seenAt)
}

async function execute(
  run: RequestRun,
  pool: StrategyPool,
  request: PlannedRequest,
): Promise<void> {
  const tenant = run.scene.world.tenant(request.tenant)
  const thrown = new Error('thrown by the work')
  try {
    await run.scene.strategy.withTenant(pool, strategyTenant(tenant), async (session) => {
      let certain = true
      for (let query = 1; query <= request.queries; query += 1) {
        if (run.witness !== null) return
        if (request.ends === 'errors' && query === request.queries) certain = await failing(session)
        run.scene.tally.controlsTried += 1
        run.judge(await ask(session, run, certain), tenant, certain)
      }
      if (request.ends === 'throws') throw thrown
    })
  } catch (error) {
    // After an error of its own the work's transaction may be aborted, and the strategy say so.
    if (error !== thrown && !(request.ends === 'errors' && sqlstateOf(error) !== null)) throw error
  }
}

/** An error in SQL ends what the work may count on. */
async function failing(session: StrategySession): Promise<false> {
  await session.query('SELECT 1/0').catch(() => undefined)
  return false
}

async function ask(
  session: StrategySession,
  run: RequestRun,
  certain: boolean,
): Promise<readonly Row[]> {
  try {
    return await run.observe(session)
  } catch (error) {
    const sqlstate = sqlstateOf(error)
    // No table in sight: the context was lost, and the judge says so of an empty answer.
    if (sqlstate === '42P01' || sqlstate === '42501' || (!certain && sqlstate !== null)) return []
    throw error
  }
}
