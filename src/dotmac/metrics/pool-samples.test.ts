import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { TenantPools } from '../tenant-pools.ts'
import { poolSamples } from './pool-samples.ts'
import { prometheusText } from './sample.ts'

test('the queues of the pool are metrics: who waits, in how many rows, and who gave up; nobody is named', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const {
    address,
    namespace: { roles },
    passwords,
  } = platform.open.site
  const login = { user: roles.app, password: passwords.app }
  await using pools = new TenantPools(
    { address, database: platform.database('isp'), login },
    {
      poolSize: 2,
      maxOverflow: 0,
      poolTimeout: 1,
      poolRecycle: 3600,
      tenantPoolPerTenant: 1,
      tenantConnectionTimeout: 1,
    },
  )
  const lines = () =>
    prometheusText(poolSamples(pools.use()))
      .split('\n')
      .filter((line) => /^[^#]/.test(line))
  expect(lines()).toContain('dotmac_pool_waiting_requests 0')
  const [first, second] = [await pools.of('acme').connect(), await pools.of('globex').connect()]
  const waiting = [
    pools.of('acme').connect(),
    pools.of('acme').connect(),
    pools.of('globex').connect(),
  ]
  expect(lines()).toEqual([
    'dotmac_pool_connections{state="open"} 2',
    'dotmac_pool_connections{state="idle"} 0',
    'dotmac_pool_connections{state="busy"} 2',
    'dotmac_pool_waiting_requests 3',
    'dotmac_pool_waiting_tenants 2',
    'dotmac_pool_longest_queue 2',
    'dotmac_pool_timeouts_total 0',
  ])
  await Promise.allSettled(waiting)
  expect(lines()).toEqual(
    expect.arrayContaining(['dotmac_pool_waiting_requests 0', 'dotmac_pool_timeouts_total 3']),
  )
  first.release()
  second.release()
})
