/** What the pool of a service says of itself: how many wait, and how long the longest row is. */

import type { PoolUse } from '../tenant-pools.ts'
import type { Sample } from './sample.ts'

/** No tenant is named: whoever may ask /health may ask this. `pools.use()` has the queue of each tenant. */
export function poolSamples({
  open,
  idle,
  busy,
  waiting,
  timeouts,
  tenants,
}: PoolUse): readonly Sample[] {
  const queues = [...tenants.values()].map((tenant) => tenant.waiting)
  const connections = { open, idle, busy }
  return [
    ...Object.entries(connections).map(([state, value]): Sample => ({
      name: 'dotmac_pool_connections',
      labels: { state },
      value,
    })),
    { name: 'dotmac_pool_waiting_requests', labels: {}, value: waiting },
    {
      name: 'dotmac_pool_waiting_tenants',
      labels: {},
      value: queues.filter((length) => length > 0).length,
    },
    { name: 'dotmac_pool_longest_queue', labels: {}, value: Math.max(0, ...queues) },
    { name: 'dotmac_pool_timeouts_total', labels: {}, value: timeouts },
  ]
}
