import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../testing/platform-on-trial.ts'
import { readConfiguration } from './configuration.ts'
import { TenantPools } from './tenant-pools.ts'
import { withTenant } from './with-tenant.ts'

/** One connection, which the tenants have one after the other. */
function onlyOne(platform: PlatformOnTrial): TenantPools {
  const {
    address,
    namespace: { roles },
    passwords,
  } = platform.open.site
  return new TenantPools(
    {
      address,
      database: platform.database('isp'),
      login: { user: roles.app, password: passwords.app },
    },
    { ...readConfiguration({}).pool, poolSize: 1, maxOverflow: 0 },
  )
}

const found = `SELECT pg_backend_pid()::text AS pid, current_setting('role') AS role,
  coalesce(current_setting('app.current_tenant_id', true), '') AS tenant,
  current_setting('search_path') AS path, current_setting('work_mem') AS setting,
  to_regclass('pg_temp.scratch')::text AS temporary,
  (SELECT string_agg(name, ',') FROM pg_prepared_statements) AS prepared,
  (SELECT string_agg(name, ',') FROM pg_cursors WHERE is_holdable) AS cursors,
  (SELECT string_agg(channel, ',') FROM pg_listening_channels() AS channel) AS channels,
  (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks, pg_current_xact_id_if_assigned() AS transaction`

test('what one loan leaves on the connection is not there for the next', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const admin = await platform.admin('isp')
  await admin.query(`GRANT TEMPORARY ON DATABASE "${platform.database('isp')}" TO PUBLIC`)
  await using pools = onlyOne(platform)
  const [one = '', other = ''] = platform.tenants.map(({ id }) => id)
  const look = () =>
    withTenant(pools.of(other), other, async (session) => (await session.query(found)).rows[0])
  const clean = await look()
  expect(clean).toMatchObject({
    tenant: other,
    role: 'none',
    temporary: null,
    channels: null,
    locks: '0',
  })
  const loan = await pools.of(one).connect()
  await loan.query(`SET app.current_tenant_id = '${one}'; SET search_path = pg_temp; SET work_mem = '1MB';
    SET statement_timeout = '1s'; CREATE TEMP TABLE scratch AS SELECT 1 AS one; PREPARE kept AS SELECT 'secret';
    DECLARE held CURSOR WITH HOLD FOR SELECT 1; LISTEN heard; SELECT pg_advisory_lock(7)`)
  loan.release()
  expect(await look()).toEqual(clean)
  const open = await pools.of(one).connect()
  await open.query("BEGIN; UPDATE isp_customers SET city = 'left open'; SELECT pg_advisory_lock(7)")
  open.release()
  expect(await look()).toEqual(clean)
  const failed = await pools.of(one).connect()
  await failed.query('BEGIN')
  await expect(failed.query('SELECT 1/0')).rejects.toMatchObject({ code: '22012' })
  failed.release()
  expect(await look()).toEqual(clean)
}, 60_000)

test('a connection that was given back does not answer, one that still runs something is not lent again', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  await using pools = onlyOne(platform)
  const [one = '', other = ''] = platform.tenants.map(({ id }) => id)
  const loan = await pools.of(one).connect()
  const {
    rows: [before],
  } = await loan.query('SELECT pg_backend_pid()::text AS pid')
  loan.release()
  await withTenant(pools.of(other), other, async (session) => {
    expect((await session.query('SELECT pg_backend_pid()::text AS pid')).rows).toEqual([before])
    await expect(loan.query('SELECT * FROM isp_customers')).rejects.toMatchObject({
      code: 'WATERTIGHT_RELEASED',
    })
  })
  const busy = await pools.of(one).connect()
  const late = busy.query('SELECT pg_sleep(0.2)').catch(() => undefined)
  busy.release()
  const seen = await withTenant(pools.of(other), other, (session) =>
    session.query('SELECT pg_backend_pid()::text AS pid'),
  )
  expect(seen.rows).not.toEqual([before])
  await late
}, 60_000)

test('statements that the driver prepares by name are prepared again on a connection that was cleared', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  await using pools = onlyOne(platform)
  const named = { name: 'once', text: 'SELECT pg_backend_pid()::text AS pid' } as unknown as string
  const pids = new Set<unknown>()
  for (const { id } of [...platform.tenants, ...platform.tenants]) {
    const { rows } = await withTenant(pools.of(id), id, async (session) => {
      await session.query(named)
      return session.query(named)
    })
    pids.add(rows[0]?.['pid'])
  }
  expect(pids.size).toBe(1)
}, 60_000)

test('pools go on after their idle connections died, and after a server that started again', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const {
    address,
    namespace: { roles },
    passwords,
  } = platform.open.site
  await using pools = new TenantPools(
    {
      address,
      database: platform.database('isp'),
      login: { user: roles.app, password: passwords.app },
    },
    readConfiguration({}).pool,
  )
  const [one = '', other = ''] = platform.tenants.map(({ id }) => id)
  const pid = async () =>
    Number(
      (
        await withTenant(pools.of(one), one, (session) =>
          session.query('SELECT pg_backend_pid()::text AS pid'),
        )
      ).rows[0]?.['pid'],
    )
  const admin = await platform.admin('isp')
  await admin.query(`SELECT pg_terminate_backend(${await pid()}, 5000)`)
  await expect.poll(() => pools.use().open).toBe(0)
  const victim = await pid()
  const running = [one, other].map((tenant) =>
    withTenant(pools.of(tenant), tenant, async (session) => {
      await session.query("UPDATE isp_customers SET city = 'half done'")
      await session.query('SELECT pg_sleep(20)')
    }),
  )
  const ended = Promise.allSettled(running)
  await expect
    .poll(
      async () =>
        (
          await admin.query(`SELECT count(*) AS n FROM pg_stat_activity
    WHERE query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()`)
        )[0]?.['n'],
    )
    .toBe('2')
  // One backend that dies hard, and the server starts again without any of its connections.
  process.kill(victim, 'SIGKILL')
  expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await expect
    .poll(
      () =>
        pid().then(
          () => 'serves',
          () => 'refuses',
        ),
      { timeout: 20_000 },
    )
    .toBe('serves')
  const { rows } = await withTenant(pools.of(one), one, (session) =>
    session.query("SELECT count(*) AS n FROM isp_customers WHERE city = 'half done'"),
  )
  expect(rows).toEqual([{ n: '0' }])
  expect(pools.use()).toMatchObject({ busy: 0, waiting: 0, open: 1 })
}, 60_000)
