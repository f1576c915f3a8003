/** Whole requests running concurrently, with fc.scheduler deciding who goes on at every await. */

import fc from 'fast-check'
import { sqlstateOf } from '../errors.ts'
import type { StrategySession } from '../model/context-strategy.ts'
import type { TenantId } from '../model/tenant.ts'
import type { Row } from '../model/observation.ts'
import { strategyTenant } from './strategy-tenant.ts'
import type { RequestRun } from './request-run.ts'
import type { World } from './world.ts'

export interface PlannedRequest {
  readonly tenant: TenantId
  /** Canary queries it makes, from 1. */
  readonly queries: number
}

export function anyRequests(world: World): fc.Arbitrary<readonly PlannedRequest[]> {
  return fc.array(fc.record({
    tenant: fc.constantFrom(...world.tenants.map((tenant) => tenant.id)),
    queries: fc.integer({ min: 1, max: 3 }),
  }), { minLength: 2, maxLength: 4 })
}

/** Runs the requests to their end in the order the scheduler chooses; throws at a witness. */
export async function interleave(
  run: RequestRun, scheduler: fc.Scheduler, requests: readonly PlannedRequest[],
): Promise<void> {
  const outcomes = Promise.allSettled(requests.map((request, index) => execute(run, scheduler, { ...request, index })))
  const settled = await scheduler.waitFor(outcomes)
  if (run.witness !== null) return
  for (const outcome of settled) {
    if (outcome.status === 'rejected') throw outcome.reason
  }
}

async function execute(
  run: RequestRun, scheduler: fc.Scheduler, { tenant: id, queries, index }: PlannedRequest & { readonly index: number },
): Promise<void> {
  const tenant = run.scene.world.tenant(id)
  const turn = (label: string) => scheduler.schedule(Promise.resolve(), `request ${index} of ${id} ${label}`)
  await turn('begins')
  await run.scene.strategy.withTenant(run.pool, strategyTenant(tenant), async (session) => {
    for (let query = 1; query <= queries; query += 1) {
      await turn(`queries (${query})`)
      if (run.witness !== null) return
      run.scene.tally.controlsTried += 1
      run.judge(await ask(session, run), tenant, true)
    }
  })
}

async function ask(session: StrategySession, run: RequestRun): Promise<readonly Row[]> {
  try {
    return await run.observe(session)
  } catch (error) {
    const sqlstate = sqlstateOf(error)
    // No table in sight: the context was lost, and the judge says so of an empty answer.
    if (sqlstate === '42P01' || sqlstate === '42501') return []
    throw error
  }
}
