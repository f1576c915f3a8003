import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../testing/platform-on-trial.ts'
import { readConfiguration, type PoolConfiguration } from './configuration.ts'
import { TenantPools } from './tenant-pools.ts'
import { withTenant } from './with-tenant.ts'

function poolsOf(platform: PlatformOnTrial, limits: Partial<PoolConfiguration>): TenantPools {
  const { address, namespace, passwords } = platform.open.site
  const login = { user: namespace.roles.app, password: passwords.app }
  const options = { address, database: platform.database('isp'), login }
  return new TenantPools(options, { ...readConfiguration({}).pool, ...limits })
}

async function start(): Promise<PlatformOnTrial> {
  return PlatformOnTrial.start({ services: ['isp'], tenants: 3, rows: 5 })
}

test('a tenant with 200 slow requests has its share, and another one is served before them', async () => {
  await using platform = await start()
  await using pools = poolsOf(platform, { poolSize: 4, maxOverflow: 0, tenantPoolPerTenant: 3 })
  const [greedy = '', modest = ''] = platform.tenants.map(({ id }) => id)
  const order: string[] = []
  let busyMost = 0
  const ask = (tenant: string) =>
    withTenant(pools.of(tenant), tenant, async (session) => {
      busyMost = Math.max(busyMost, pools.use().tenants.get(greedy)?.busy ?? 0)
      await session.query('SELECT pg_sleep(0.01)')
      order.push(tenant)
    })
  const all = [
    ...Array.from({ length: 200 }, () => ask(greedy)),
    ...Array.from({ length: 5 }, () => ask(modest)),
  ]
  expect(pools.use()).toMatchObject({ busy: 4, waiting: 201 })
  await Promise.all(all)
  expect(busyMost).toBe(3)
  expect(order).toHaveLength(205)
  expect(order.lastIndexOf(modest)).toBeLessThan(40)
  expect(pools.use()).toMatchObject({ busy: 0, waiting: 0, timeouts: 0, tenants: new Map() })
}, 60_000)

test('under 200 slow requests of one tenant the others wait for nobody', async () => {
  await using platform = await start()
  await using pools = poolsOf(platform, {})
  const [greedy = '', ...modest] = platform.tenants.map(({ id }) => id)
  const timed = async (tenant: string, sql: string) => {
    const started = performance.now()
    await withTenant(pools.of(tenant), tenant, (session) => session.query(sql))
    return performance.now() - started
  }
  const hammering = Promise.all(
    Array.from({ length: 200 }, () => timed(greedy, 'SELECT pg_sleep(0.05)')),
  )
  const latencies: number[] = []
  while (pools.use().waiting > 0) {
    expect(pools.use().tenants.get(greedy)?.busy).toBe(5)
    for (const tenant of modest) latencies.push(await timed(tenant, 'SELECT 1'))
  }
  const median = (values: readonly number[]) =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
  expect(latencies.length).toBeGreaterThan(20)
  // Its requests wait for each other, 40 rounds of 50 ms: the others have none of that.
  expect(median(latencies)).toBeLessThan(median(await hammering) / 10)
  expect(Math.max(...latencies)).toBeLessThan(median(await hammering) / 2)
}, 60_000)

test('who waits too long is told which limit it was, and for whom', async () => {
  await using platform = await start()
  await using pools = poolsOf(platform, {
    poolSize: 2,
    maxOverflow: 0,
    tenantPoolPerTenant: 1,
    tenantConnectionTimeout: 1,
    poolTimeout: 2,
  })
  const [one = '', two = '', three = ''] = platform.tenants.map(({ id }) => id)
  const first = await pools.of(one).connect()
  await expect(pools.of(one).connect()).rejects.toMatchObject({
    code: 'WATERTIGHT_POOL_TIMEOUT',
    message: expect.stringMatching(
      /^Tenant "acme-corp-123" waited 1 s \(tenant_connection_timeout\) for one of its 1 connections/,
    ) as string,
  })
  const second = await pools.of(two).connect()
  await expect(pools.of(three).connect()).rejects.toMatchObject({
    code: 'WATERTIGHT_POOL_TIMEOUT',
    message: expect.stringMatching(
      / waited 2 s \(pool_timeout\) for one of the 2 connections/,
    ) as string,
  })
  expect(pools.use()).toMatchObject({ busy: 2, waiting: 0, timeouts: 2 })
  first.release()
  first.release()
  expect(pools.use().busy).toBe(1)
  second.release()
}, 60_000)

test('overflow is closed when it comes back, a recycled connection is a new one', async () => {
  await using platform = await start()
  await using pools = poolsOf(platform, { poolSize: 1, maxOverflow: 2, poolRecycle: 2 })
  const [{ id } = { id: '' }] = platform.tenants
  const loans = await Promise.all([1, 2, 3].map(() => pools.of(id).connect()))
  expect(pools.use().open).toBe(3)
  const waiting = pools.of(id).connect()
  // A rush that goes on: what comes back is lent again instead of closed and opened anew.
  for (const loan of loans.slice(0, 1)) loan.release()
  const again = await waiting
  expect(pools.use().open).toBe(3)
  for (const loan of [again, ...loans.slice(1)]) loan.release()
  await expect.poll(() => pools.use()).toMatchObject({ open: 1, idle: 1 })
  const pidOf = async () => {
    const client = await pools.of(id).connect()
    const { rows } = await client.query(`SELECT pg_backend_pid()::text AS pid,
      current_setting('app.kept', true) AS kept`)
    await client.query("SET app.kept = 'here'")
    client.release()
    return rows[0]
  }
  const before = await pidOf()
  // The same connection, without what was set on it: that a setting was ever made leaves '' instead of null.
  expect(await pidOf()).toEqual({ pid: before?.['pid'], kept: '' })
  const another = async () => {
    const now = await pidOf()
    return now?.['pid'] === before?.['pid'] ? 'the same' : now?.['kept']
  }
  await expect.poll(another, { timeout: 10_000 }).toBe(null)
}, 60_000)

test('closing refuses those that wait and lets others end; a dead server is an error, not a wait', async () => {
  await using platform = await start()
  const [{ id } = { id: '' }] = platform.tenants
  const pools = poolsOf(platform, { tenantPoolPerTenant: 1 })
  const loan = await pools.of(id).connect()
  const waiting = pools.of(id).connect()
  waiting.catch(() => undefined)
  const closing = pools.close()
  await expect(waiting).rejects.toMatchObject({ code: 'WATERTIGHT_POOL_CLOSED' })
  await expect(pools.of(id).connect()).rejects.toMatchObject({ code: 'WATERTIGHT_POOL_CLOSED' })
  loan.release()
  await closing
  const kept = poolsOf(platform, {})
  await kept.of(id).connect()
  await kept.close({ waitMs: 50 })
  const cut = poolsOf(platform, {})
  const stuck = (await cut.of(id).connect()).query('SELECT pg_sleep(20)')
  const [end] = await Promise.allSettled([stuck, cut.close({ waitMs: 50 }), cut.close()])
  expect(end.status).toBe('rejected')
  await using others = poolsOf(platform, {})
  await platform.open.server.stop()
  await expect(others.of(id).connect()).rejects.toMatchObject({ code: 'WATERTIGHT_UNREACHABLE' })
  expect(others.use().busy).toBe(0)
}, 60_000)
