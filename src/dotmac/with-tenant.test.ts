import { expect, test } from 'vitest'
import { findPgbouncer, startPgbouncer } from '../postgres/programs/pgbouncer.ts'
import { openDriverPool } from '../postgres/session/driver-pool.ts'
import { PlatformOnTrial } from '../testing/platform-on-trial.ts'
import { currentTenant, withTenant, withTenantContext } from './with-tenant.ts'

const owners = 'SELECT DISTINCT tenant_id FROM isp_customers'

/** What the next one on the same backend sees who binds nothing. */
async function leftOn(pool: { connect(): Promise<unknown> }) {
  const client = (await pool.connect()) as {
    query(sql: string): Promise<{ rows: unknown[] }>
    release(): void
  }
  const { rows } =
    await client.query(`SELECT coalesce(current_setting('app.current_tenant_id', true), '') AS tenant,
    current_user = session_user AS itself, pg_backend_pid()::text AS pid`)
  client.release()
  return rows[0] as { tenant: string; itself: string; pid: string }
}

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'the work sees its tenant, and no exit leaves anything behind, %s',
  async (tenancy) => {
    await using platform = await PlatformOnTrial.start({
      tenancy,
      services: ['isp'],
      tenants: 3,
      rows: 20,
    })
    const tenants = platform.tenants.map(({ id }) => id)
    for (const pipeline of [true, false]) {
      const { address, namespace, passwords } = platform.open.site
      const pool = openDriverPool({
        address,
        database: platform.database('isp'),
        max: 1,
        pipeline,
        login: { user: namespace.roles.app, password: passwords.app },
      })
      try {
        for (const id of tenants) {
          const { rows } = await withTenant(pool, { id, tenancy }, (session) =>
            session.query(owners),
          )
          expect(rows).toEqual([{ tenant_id: id }])
        }
        const [first = ''] = tenants
        type Asked = { query(sql: string): Promise<unknown> }
        const exits = [
          [() => Promise.reject(new Error('thrown')), { message: 'thrown' }],
          [(session: Asked) => session.query('SELECT 1/0'), { code: '22012' }],
          [(session: Asked) => session.query('SELECT nothing FROM nowhere'), { code: '42P01' }],
          [
            async (session: Asked) => {
              await session.query("SET LOCAL statement_timeout = '20ms'")
              await session.query('SELECT pg_sleep(5)')
            },
            { code: '57014' },
          ],
        ] as const
        const before = (await leftOn(pool)).pid
        for (const [exit, why] of exits) {
          await expect(withTenant(pool, { id: first, tenancy }, exit)).rejects.toMatchObject(why)
          expect(await leftOn(pool)).toEqual({ tenant: '', itself: 't', pid: before })
        }
        const suicide = 'SELECT pg_terminate_backend(pg_backend_pid())'
        const dying = withTenant(pool, { id: first, tenancy }, (session) => session.query(suicide))
        await expect(dying).rejects.toThrow(/terminat/i)
        expect(await leftOn(pool)).toMatchObject({ tenant: '', itself: 't' })
      } finally {
        await pool.end()
      }
    }
  },
  60_000,
)

test('what looks like success but is none is an error: swallowed errors, COMMIT, late statements', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const [{ id } = { id: '' }] = platform.tenants
  const pool = platform.pool('isp', { max: 1 })
  const swallowed = withTenant(pool, id, async (session) => {
    await session.query('UPDATE isp_customers SET city = city')
    await session.query('SELECT 1/0').catch(() => undefined)
  })
  await expect(swallowed).rejects.toMatchObject({ code: 'WATERTIGHT_NOT_COMMITTED' })
  const left = withTenant(pool, id, async (session) => {
    await session.query('COMMIT')
    return session.query(owners)
  })
  await expect(left).rejects.toMatchObject({ code: 'WATERTIGHT_TENANT_LEFT' })
  const kept = await withTenant(pool, id, (session) => Promise.resolve(session))
  await expect(kept.query(owners)).rejects.toMatchObject({ code: 'WATERTIGHT_TENANT_ENDED' })
  await withTenant(pool, id, (session) => {
    void session.query("UPDATE isp_customers SET city = 'not waited for'")
    return Promise.resolve()
  })
  const { rows } = await withTenant(pool, id, (session) =>
    session.query('SELECT DISTINCT city FROM isp_customers'),
  )
  expect(rows).toEqual([{ city: 'not waited for' }])
}, 60_000)

test('the work chooses its isolation level, and is told of what is no statement', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const [{ id } = { id: '' }] = platform.tenants
  const pool = platform.pool('isp', { max: 1 })
  const { rows } = await withTenant(pool, id, async (session) => {
    await session.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY')
    return session.query({
      text: "SELECT current_setting('transaction_isolation') AS level",
    } as never)
  })
  expect(rows).toEqual([{ level: 'serializable' }])
  const stream = { text: 'COPY isp_customers TO STDOUT', submit: () => undefined }
  for (const given of [
    [null],
    [7],
    [{}],
    [[]],
    [stream],
    ['SELECT $1', 'x'],
    ['SELECT 1', () => undefined],
  ]) {
    const asked = withTenant(pool, id, (session) => session.query(...(given as [string])))
    await expect(asked).rejects.toMatchObject({ code: 'WATERTIGHT_TENANT_STATEMENT' })
  }
  expect((await leftOn(pool)).tenant).toBe('')
}, 60_000)

test('another tenant inside of a work is refused, the same one goes on in its transaction', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const [one = '', other = ''] = platform.tenants.map(({ id }) => id)
  const pool = platform.pool('isp', { max: 1 })
  const transaction = 'SELECT pg_current_xact_id()::text AS id'
  await withTenant(pool, one, async (session) => {
    expect(currentTenant()).toBe(one)
    const another = withTenant(pool, other, () => Promise.resolve())
    await expect(another).rejects.toMatchObject({ code: 'WATERTIGHT_NESTED_TENANT' })
    const inner = await withTenant(pool, one, (same) => same.query(transaction))
    expect(inner.rows).toEqual((await session.query(transaction)).rows)
  })
  expect(currentTenant()).toBe(null)
  const count = withTenantContext(
    pool,
    async (session, city: string) =>
      (await session.query('SELECT count(*) AS n FROM isp_customers WHERE city <> $1', [city]))
        .rows,
  )
  expect(await count(one, '')).not.toEqual([{ n: '0' }])
}, 60_000)

test('an id that cannot be a tenant reaches no server', async () => {
  const pool = { connect: () => Promise.reject(new Error('asked for a connection')) }
  for (const id of ['', ' ', 'a\u0000', ' acme', 'x'.repeat(256)]) {
    const asked = withTenant(pool, id, () => Promise.resolve())
    await expect(asked).rejects.toMatchObject({ code: 'WATERTIGHT_TENANT_NAME' })
  }
  for (const tenant of [
    null,
    undefined,
    7,
    {},
    { id: ['acme'] },
    'a\ud800',
  ] as unknown[] as string[]) {
    const asked = withTenant(pool, tenant, () => Promise.resolve())
    await expect(asked).rejects.toMatchObject({ code: 'WATERTIGHT_TENANT_NAME' })
  }
  const tenancy = 'schema' as 'schema-per-tenant'
  const asked = withTenant(pool, { id: 'acme', tenancy }, () => Promise.resolve())
  await expect(asked).rejects.toMatchObject({ code: 'WATERTIGHT_TENANCY' })
})

test('it holds behind pgbouncer in transaction mode, where two tenants share one backend', async (context) => {
  const binary = await findPgbouncer()
  if (binary === null) return context.skip('no pgbouncer is installed')
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 20 })
  const { address, namespace, passwords } = platform.open.site
  const login = { user: namespace.roles.app, password: passwords.app }
  const database = platform.database('isp')
  await using pooler = await startPgbouncer({
    binary,
    server: address,
    database,
    users: [{ name: login.user, password: login.password }],
    poolMode: 'transaction',
    poolSize: 1,
  })
  const pool = openDriverPool({ address: pooler.address, max: 4, database, login, pipeline: true })
  const seen = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const { id } = platform.tenants[index % 2] ?? { id: '' }
      const { rows } = await withTenant(pool, id, (session) =>
        session.query(
          'SELECT DISTINCT tenant_id, pg_backend_pid()::text AS pid FROM isp_customers',
        ),
      )
      return { id, rows }
    }),
  )
  await pool.end()
  expect(seen.filter(({ id, rows }) => rows.length !== 1 || rows[0]?.['tenant_id'] !== id)).toEqual(
    [],
  )
  expect(new Set(seen.map(({ rows }) => rows[0]?.['pid'])).size).toBe(1)
}, 60_000)
