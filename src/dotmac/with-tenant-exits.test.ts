import { expect, test } from 'vitest'
import type { StrategySession } from '../model/context-strategy.ts'
import { openDriverPool, type DriverPool } from '../postgres/session/driver-pool.ts'
import { findPgbouncer, startPgbouncer } from '../postgres/programs/pgbouncer.ts'
import { PlatformOnTrial } from '../testing/platform-on-trial.ts'
import { withTenant } from './with-tenant.ts'

interface Left {
  readonly tenant: string
  readonly role: string
  readonly path: string
  readonly owners: string
  readonly temporary: string
  readonly cursors: string
  readonly pid: string
}

/** What the next one on the same backend finds who binds nothing. */
async function leftOn(pool: Pick<DriverPool, 'query'>): Promise<Left> {
  const {
    rows: [row],
  } = await pool.query<Left>(`SELECT
    coalesce(current_setting('app.current_tenant_id', true), '') AS tenant, current_setting('role') AS role,
    current_setting('search_path') AS path, pg_backend_pid()::text AS pid,
    (SELECT string_agg(name, ',') FROM pg_cursors WHERE is_holdable) AS cursors,
    to_regclass('pg_temp.scratch')::text AS temporary`)
  if (row === undefined) throw new Error('no row')
  return row
}

type Work = (session: StrategySession) => Promise<unknown>

/** Work that means harm or is careless, by what it does. `other` is another tenant's id, schema and role. */
function exits(
  other: { id: string; schema: string; role: string },
  isSchema: boolean,
): Record<string, Work> {
  const set = `SET SESSION app.current_tenant_id = '${other.id}'`
  const route =
    `SET SESSION search_path = "${other.schema}"` +
    (isSchema ? `; SET SESSION ROLE "${other.role}"` : '')
  const leave =
    'SELECT 1; CREATE TEMP TABLE scratch AS SELECT 1 AS one; ' +
    'DECLARE held CURSOR WITH HOLD FOR SELECT 1'
  const failing =
    (sql: string): Work =>
    async (session) => {
      await session.query(sql)
      await session.query('SELECT 1/0')
    }
  const swallowing =
    (...all: readonly string[]): Work =>
    async (session) => {
      for (const sql of all) await session.query(sql).catch(() => undefined)
    }
  return {
    'throws at once': () => {
      throw new Error('thrown')
    },
    rejects: () => Promise.reject(new Error('rejected')),
    'rejects with nothing': () => Promise.reject(undefined as unknown as Error),
    'sets the session': (session) => session.query(`${set}; ${route}`),
    'sets the session by a function': (session) =>
      session.query("SELECT set_config('app.current_tenant_id', $1, false)", [other.id]),
    'sets the session and fails': failing(`${set}; ${route}`),
    'leaves a table and a cursor': (session) => session.query(leave),
    'commits, and sets the session': (session) => session.query(`COMMIT; ${set}; ${route}`),
    'commits, leaves things and begins again': (session) =>
      session.query(`COMMIT; ${set}; ${route}; ${leave}; BEGIN`),
    chains: swallowing('COMMIT AND CHAIN', set, route),
    'rolls back and goes on': swallowing('ROLLBACK', `${set}; ${route}`),
    resets: swallowing('RESET ALL', 'RESET ROLE', set),
    'commits without waiting': (session) => {
      void session.query('COMMIT').catch(() => undefined)
      void session.query(set).catch(() => undefined)
      return Promise.resolve()
    },
    'is late': swallowing("SET statement_timeout = '50ms'", 'SELECT pg_sleep(5)'),
    'is cancelled': swallowing(set, 'SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1)'),
    'opens a savepoint': (session) => session.query(`SAVEPOINT one; ${set}; ${route}`),
    'reads only': (session) => session.query(`SET TRANSACTION READ ONLY; ${set}; ${route}`),
    'hides the functions': (session) =>
      session.query(`SET search_path = pg_temp, pg_catalog; CREATE FUNCTION
      pg_temp.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT $2'; ${set}`),
  }
}

/** Which of them are told that they left, or that nothing was committed. */
const complaints: Readonly<Record<string, string>> = {
  'sets the session': 'WATERTIGHT_TENANT_LEFT',
  'sets the session by a function': 'WATERTIGHT_TENANT_LEFT',
  resets: 'WATERTIGHT_TENANT_LEFT',
  'opens a savepoint': 'WATERTIGHT_TENANT_LEFT',
  'reads only': 'WATERTIGHT_TENANT_LEFT',
  'hides the functions': 'WATERTIGHT_TENANT_LEFT',
  'commits, and sets the session': 'WATERTIGHT_TENANT_LEFT',
  'commits, leaves things and begins again': 'WATERTIGHT_TENANT_LEFT',
  chains: 'WATERTIGHT_TENANT_LEFT',
  'rolls back and goes on': 'WATERTIGHT_TENANT_LEFT',
  'commits without waiting': 'WATERTIGHT_TENANT_LEFT',
  'is late': 'WATERTIGHT_NOT_COMMITTED',
  'is cancelled': 'WATERTIGHT_NOT_COMMITTED',
}

interface Trial {
  readonly platform: PlatformOnTrial
  readonly pool: DriverPool
}

/** Runs every exit on the pool's one connection and compares what is left with what was there. */
async function expectNothingLeft({ platform, pool }: Trial): Promise<void> {
  const {
    tenancy,
    tenants: [one, other],
  } = platform
  if (one === undefined || other === undefined) throw new Error('two tenants')
  // The platform takes it away; elsewhere an application may have it.
  const admin = await platform.admin('isp')
  await admin.query(`GRANT TEMPORARY ON DATABASE "${platform.database('isp')}" TO PUBLIC`)
  const before = await leftOn(pool)
  const left: Record<string, Left> = {}
  const expected: Record<string, Left> = {}
  const complained: Record<string, string> = {}
  for (const [name, work] of Object.entries(exits(other, tenancy === 'schema-per-tenant'))) {
    await withTenant(pool, { id: one.id, tenancy }, work).catch((error: unknown) => {
      const { code = '' } = (error ?? {}) as { code?: string }
      if (code.startsWith('WATERTIGHT')) complained[name] = code
      if (code === '42501') throw error
    })
    left[name] = await leftOn(pool)
    expected[name] = before
  }
  expect(left).toEqual(expected)
  expect(complained).toEqual(complaints)
}

test.each([
  ['row-level-security', true],
  ['row-level-security', false],
  ['schema-per-tenant', true],
  ['schema-per-tenant', false],
] as const)(
  'whatever the work does, the backend has nothing of it, %s, pipeline: %s',
  async (tenancy, pipeline) => {
    await using platform = await PlatformOnTrial.start({
      tenancy,
      services: ['isp'],
      tenants: 2,
      rows: 5,
    })
    const {
      address,
      namespace: { roles },
      passwords,
    } = platform.open.site
    const pool = openDriverPool({
      address,
      database: platform.database('isp'),
      max: 1,
      pipeline,
      login: { user: roles.app, password: passwords.app },
    })
    await expectNothingLeft({ platform, pool })
    await pool.end()
  },
  90_000,
)

test('whatever the work does, the backend behind pgbouncer in transaction mode has nothing of it', async (context) => {
  const binary = await findPgbouncer()
  if (binary === null) return context.skip('no pgbouncer is installed')
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const {
    address,
    namespace: { roles },
    passwords,
  } = platform.open.site
  const [database, login] = [platform.database('isp'), { user: roles.app, password: passwords.app }]
  await using pooler = await startPgbouncer({
    binary,
    server: address,
    database,
    users: [{ name: login.user, password: login.password }],
    poolMode: 'transaction',
    poolSize: 1,
  })
  const pool = openDriverPool({ address: pooler.address, database, max: 1, pipeline: false, login })
  await expectNothingLeft({ platform, pool })
  await pool.end()
}, 90_000)

test("a deferred constraint is checked in the tenant's context, and its refusal leaves nothing", async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const {
    namespace: { roles },
  } = platform.open.site
  const admin = await platform.admin('isp')
  await admin.query(`CREATE TABLE public.deferred (at text);
    CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.at = 'bad' THEN RAISE EXCEPTION 'refused' USING ERRCODE = '23514'; END IF;
      UPDATE public.deferred SET at = pg_catalog.current_setting('app.current_tenant_id'); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER later AFTER INSERT ON public.deferred DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION public.refuse();
    GRANT SELECT, INSERT, UPDATE ON public.deferred TO "${roles.app}"`)
  const pool = platform.pool('isp', { max: 1 })
  const [{ id } = { id: '' }] = platform.tenants
  const before = await leftOn(pool)
  const put = (value: string) =>
    withTenant(pool, id, (session) =>
      session.query('INSERT INTO public.deferred VALUES ($1)', [value]),
    )
  await expect(put('bad')).rejects.toMatchObject({ code: '23514' })
  expect(await leftOn(pool)).toEqual(before)
  await put('good')
  expect(await admin.query('SELECT at FROM public.deferred')).toEqual([{ at: id }])
  expect(await leftOn(pool)).toEqual(before)
}, 60_000)

test('a backend that is terminated in the work ends neither the process nor the pool', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const {
    address,
    namespace: { roles },
    passwords,
  } = platform.open.site
  const admin = await platform.admin('isp')
  const pool = openDriverPool({
    address,
    database: platform.database('isp'),
    max: 1,
    pipeline: false,
    login: { user: roles.app, password: passwords.app },
  })
  // As an application makes it: nobody listens to what is on loan.
  pool.removeAllListeners('connect')
  const [{ id } = { id: '' }] = platform.tenants
  const kill = (pid: unknown) => admin.query(`SELECT pg_terminate_backend(${Number(pid)}, 5000)`)
  const uncaught: unknown[] = []
  const keep = (error: unknown) => {
    uncaught.push(error)
  }
  process.on('uncaughtException', keep)
  try {
    const idle = withTenant(pool, id, async (session) => {
      await session.query("UPDATE isp_customers SET city = 'killed'")
      await kill((await session.query('SELECT pg_backend_pid() AS pid')).rows[0]?.['pid'])
      await new Promise((resolve) => {
        setTimeout(resolve, 100)
      })
    })
    await expect(idle).rejects.toThrow()
    const busy = withTenant(pool, id, async (session) => {
      const {
        rows: [row],
      } = await session.query('SELECT pg_backend_pid() AS pid')
      await Promise.all([session.query('SELECT pg_sleep(10)'), kill(row?.['pid'])])
    })
    await expect(busy).rejects.toThrow()
    expect(await leftOn(pool)).toMatchObject({ tenant: '', role: 'none' })
    expect(await admin.query("SELECT city FROM isp_customers WHERE city = 'killed'")).toEqual([])
  } finally {
    process.off('uncaughtException', keep)
  }
  expect(uncaught).toEqual([])
  await pool.end()
}, 60_000)

test.each([true, false])(
  'a transaction that somebody left open is rolled back, pipeline: %s',
  async (pipeline) => {
    await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
    const {
      address,
      namespace: { roles },
      passwords,
    } = platform.open.site
    const pool = openDriverPool({
      address,
      database: platform.database('isp'),
      max: 1,
      pipeline,
      login: { user: roles.app, password: passwords.app },
    })
    const [one = '', other = ''] = platform.tenants.map(({ id }) => id)
    const client = await pool.connect()
    await client.query('BEGIN')
    await client.query("SELECT set_config('app.current_tenant_id', $1, false)", [other])
    await client.query("UPDATE isp_customers SET city = 'left open'")
    client.release()
    const { rows } = await withTenant(pool, one, (session) =>
      session.query('SELECT DISTINCT tenant_id FROM isp_customers'),
    )
    expect(rows).toEqual([{ tenant_id: one }])
    const admin = await platform.admin('isp')
    expect(await admin.query("SELECT city FROM isp_customers WHERE city = 'left open'")).toEqual([])
    await pool.end()
  },
  60_000,
)

test('a context that the server cannot read lets no statement run outside of a transaction', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const { address } = platform.open.site
  const admin = await platform.admin('isp')
  await admin.query("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
  const pool = openDriverPool({ address, database: 'latin', max: 1 })
  await pool.query('CREATE TABLE written (one int)')
  const written = withTenant(pool, '\u79df\u6237', (session) =>
    session.query('INSERT INTO written VALUES (1)'),
  )
  await expect(written).rejects.toMatchObject({ code: '22P05' })
  expect((await pool.query('SELECT * FROM written')).rows).toEqual([])
  await pool.end()
}, 60_000)
