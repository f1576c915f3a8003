import { createConnection, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Session } from '../postgres/session/session.ts'
import { PlatformOnTrial } from '../testing/platform-on-trial.ts'
import { ServiceOnTrial } from '../testing/service-on-trial.ts'
import { readConfiguration, type PoolConfiguration } from './configuration.ts'
import { TenantPools } from './tenant-pools.ts'

const defaults = readConfiguration({}).pool

test('limits that are none are refused by their name', () => {
  const options = {
    address: { host: '127.0.0.1', port: 1, user: 'nobody', password: '' },
    database: 'none',
  }
  const refused: readonly Readonly<Record<string, unknown>>[] = [
    { poolSize: 0 },
    { poolSize: Number.NaN },
    { poolSize: -1 },
    { poolSize: 1.5 },
    { poolSize: '5' },
    { maxOverflow: -1 },
    { tenantPoolPerTenant: 0 },
    { poolTimeout: Infinity },
    { poolRecycle: -5 },
    { tenantConnectionTimeout: null },
  ]
  for (const limits of refused) {
    expect(
      () => new TenantPools(options, { ...defaults, ...limits } as PoolConfiguration),
      JSON.stringify(limits),
    ).toThrow(
      expect.objectContaining({
        code: 'WATERTIGHT_BAD_OPTION',
        message: expect.stringContaining(Object.keys(limits)[0] ?? '') as string,
      }),
    )
  }
})

test('a request whose client has hung up leaves the queue, but what it has to record is recorded', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], rows: 5 })
  const { address, namespace, passwords } = platform.open.site
  const login = { user: namespace.roles.app, password: passwords.app }
  await using pools = new TenantPools(
    { address, database: platform.database('isp'), login },
    { ...defaults, tenantPoolPerTenant: 1 },
  )
  const busy = await pools.of('acme').connect()
  const hungUp = new AbortController()
  const waiting = pools.of('acme', hungUp.signal).connect()
  expect(pools.use().waiting).toBe(1)
  hungUp.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'WATERTIGHT_CLIENT_GONE' })
  await expect(pools.of('acme', hungUp.signal).connect()).rejects.toMatchObject({
    code: 'WATERTIGHT_CLIENT_GONE',
  })
  expect(pools.use()).toMatchObject({ waiting: 0, timeouts: 0 })
  busy.release()
  const later = new AbortController()
  const request = pools.of('acme', later.signal)
  const first = await request.connect()
  first.release()
  later.abort()
  const second = await request.connect()
  second.release()
}, 60_000)

test('a service whose clients hang up while they wait is free for the next one', async () => {
  await using trial = await ServiceOnTrial.start({ variables: { DB_TENANT_POOL_PER_TENANT: '1' } })
  const [{ id: tenant } = { id: '' }] = trial.platform.tenants
  const admin = await trial.platform.admin('isp')
  await using locker = await Session.connect({
    address: trial.platform.open.site.address,
    database: trial.platform.database('isp'),
    pipeline: false,
  })
  await locker.query('BEGIN; LOCK TABLE isp_customers IN ACCESS EXCLUSIVE MODE')
  const stuck = trial.ask('/customers', { tenant })
  await expect
    .poll(async () => (await admin.query(`SELECT 1 FROM pg_locks WHERE NOT granted`)).length)
    .toBe(1)
  const gone = new AbortController()
  const impatient = Promise.allSettled(
    Array.from({ length: 20 }, () => trial.ask('/services', { tenant, signal: gone.signal })),
  )
  await expect.poll(() => trial.waiting).toBe(20)
  gone.abort()
  await impatient
  await expect.poll(() => trial.waiting).toBe(0)
  await locker.query('ROLLBACK')
  expect((await stuck).status).toBe(200)
  expect(trial.errors).toEqual([])
}, 60_000)

test('the end of the pools waits no longer than it was told, also for a connection that does not come', async () => {
  const silent = createServer(() => undefined)
  const port = await new Promise<number>((resolve) => {
    silent.listen(0, '127.0.0.1', () => {
      resolve((silent.address() as { port: number }).port)
    })
  })
  const address = { host: '127.0.0.1', port, user: 'nobody', password: '' }
  const pools = new TenantPools({ address, database: 'none' }, defaults)
  const never = pools.of('acme').connect()
  never.catch(() => undefined)
  const before = performance.now()
  await pools.close({ waitMs: 100 })
  expect(performance.now() - before).toBeLessThan(5_000)
  await expect(never).rejects.toMatchObject({ code: 'WATERTIGHT_POOL_CLOSED' })
  silent.close()
}, 60_000)

test('a server that stands still keeps no connection of closed pools open', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], rows: 5 })
  const { address, namespace, passwords } = platform.open.site
  const links = new Set<Socket>()
  const between = createServer({ allowHalfOpen: true }, (near) => {
    const far = createConnection(`${address.host}/.s.PGSQL.${address.port}`)
    near.pipe(far).pipe(near)
    for (const each of [near, far]) each.on('error', () => undefined)
    links.add(
      near.on('close', () => {
        links.delete(near)
      }),
    )
  })
  const port = await new Promise<number>((resolve) => {
    between.listen(0, '127.0.0.1', () => {
      resolve((between.address() as { port: number }).port)
    })
  })
  const login = { user: namespace.roles.app, password: passwords.app }
  const pools = new TenantPools(
    { address: { ...address, host: '127.0.0.1', port }, database: platform.database('isp'), login },
    defaults,
  )
  const [one, other] = await Promise.all([pools.of('a').connect(), pools.of('b').connect()])
  one.release()
  await other.query('SELECT 1')
  // Nothing comes through any longer, in neither direction.
  for (const link of links) link.unpipe()
  const stuck = other.query('SELECT 1')
  await Promise.all([expect(stuck).rejects.toThrow(), pools.close({ waitMs: 100 })])
  // It has not noticed that they left; who is gone for good answers with a reset.
  await expect
    .poll(() => {
      for (const link of links) link.resume().write('x')
      return links.size
    })
    .toBe(0)
  between.close()
}, 60_000)
