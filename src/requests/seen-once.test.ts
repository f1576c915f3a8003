/** A leak that shows itself once and not again is no proof that the strategy holds. */

import { expect, test } from 'vitest'
import type { ContextStrategy } from '../model/context-strategy.ts'
import { StrategyTrials } from '../testing/strategies-on-trial.ts'

test('a strategy that binds another tenant a single time holds at no time', async () => {
  await using trials = await StrategyTrials.open()
  const others = trials.world('row-level-security').tenants.map(({ id }) => id)
  const said: string[] = []
  for (const wrong of [12, 21, 34]) {
    const { outcome, cells } = await trials.tryStrategy(strategyThatErrsAt(wrong, others), {
      probe: 'pooled-context',
      tenancy: 'row-level-security',
      seed: 3,
    })
    said.push(`${outcome} ${cells[0]?.indeterminate[0]?.message ?? ''}`)
  }
  expect(said.filter((each) => each.startsWith('holds'))).toEqual([])
  expect(said.join('\n')).toContain('seen once, and not over new connections')
}, 180_000)

function strategyThatErrsAt(wrong: number, tenants: readonly string[]): ContextStrategy {
  let requests = 0
  return {
    title: `binds another tenant for request ${wrong}`,
    async withTenant(pool, tenant, work) {
      requests += 1
      const bound = requests === wrong ? tenants.find((id) => id !== tenant.id) : tenant.id
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        await client.query("SELECT set_config('app.current_tenant_id', $1, true)", [bound])
        const value = await work(client)
        await client.query('COMMIT')
        return value
      } catch (error) {
        await client.query('ROLLBACK')
        throw error
      } finally {
        client.release()
      }
    },
  }
}
