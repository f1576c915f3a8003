/** Troubles that applications retry on, raised on purpose: in the work, and in what a strategy sends around it. */

import { sqlstateOf } from '../errors.ts'
import type { StrategySession } from '../model/context-strategy.ts'
import type { TenantId } from '../model/tenant.ts'
import { raiseSql } from '../postgres/session/raised-trouble.ts'
import { backendIn } from './backend-in.ts'
import { WitnessSeen, type Request, type RequestRun } from './request-run.ts'
import { limited } from './settleable.ts'
import { strategyTenant } from './strategy-tenant.ts'

/** What is worth another try, by the manuals of drivers and frameworks; `cut` ends the backend itself. */
export const retried = ['40001', '40P01', '55P03', '08006', '57P01', 'cut'] as const

/**
 * `work`: the work runs into it once. `before` and `after`: a statement that the strategy sends before the work, or
 * after it, by its number; `after a throw` where the work threw.
 */
export const places = ['work', 'before', 'after', 'after a throw'] as const

export interface RaisedTrouble {
  readonly place: (typeof places)[number]
  readonly number: number
  readonly code: (typeof retried)[number]
}

/** A whole request that meets a trouble. What it, its second try, and whoever comes next see is judged. */
export async function serveTroubled(
  run: RequestRun,
  tenantId: TenantId,
  trouble: RaisedTrouble,
): Promise<void> {
  const tenant = run.scene.world.tenant(tenantId)
  const { place, number } = trouble
  const code = trouble.code === 'cut' ? '08006' : trouble.code
  let tries = 0
  if (place === 'before') for (const pool of run.pools) pool.trouble = { after: number, code }
  const settled = run.scene.strategy.withTenant(
    run.pool,
    strategyTenant(tenant),
    async (session) => {
      for (const pool of run.pools) pool.trouble = null
      tries += 1
      // Who goes on after a failure of its own may see nothing; what it sees must not be another's.
      const isCertain = place !== 'before'
      await run.lookAs(requestOf(run, session, { tenantId, isCertain }))
      if (place === 'work' && tries === 1) await meet(run, session, trouble.code)
      if (place.startsWith('after') && tries === 1)
        for (const pool of run.pools) pool.trouble = { after: number, code }
      if (place === 'after a throw' && tries === 1) throw new Error('thrown by the work')
    },
  )
  await limited(settled, `the request of ${tenantId} did not end`).catch((error: unknown) => {
    if (error instanceof WitnessSeen) throw error
    // The trouble itself, and what the driver or the strategy says of it, is in order; no end is not.
    if (sqlstateOf(error) === null && trouble.code !== 'cut' && place !== 'after a throw')
      run.scene.tally.addError(error)
  })
  for (const pool of run.pools) {
    pool.trouble = null
    // A strategy that forgets its client then starves its pool, but shows nobody's rows.
    pool.giveBackAll()
  }
}

/** Throws what the driver throws. */
async function meet(
  run: RequestRun,
  session: StrategySession,
  code: RaisedTrouble['code'],
): Promise<void> {
  if (code === 'cut') {
    const rows = await run.observe(session, 'SELECT pg_backend_pid() AS pid')
    const pid = backendIn(rows)
    if (pid !== null) await run.scene.interrupter.terminate([pid])
    await session.query('SELECT 1')
    return
  }
  await session.query(raiseSql(code, 'a statement of the work'))
}

function requestOf(
  run: RequestRun,
  session: StrategySession,
  { tenantId, isCertain }: { readonly tenantId: TenantId; readonly isCertain: boolean },
): Request {
  return {
    tenant: run.scene.world.tenant(tenantId),
    session,
    pool: run.pool,
    inside: (step) => step(),
    finish: () => undefined,
    settled: Promise.resolve(),
    contextCertain: isCertain,
    cut: false,
  }
}
