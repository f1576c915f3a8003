import { expect, test, type TestContext } from 'vitest'
import { distantServer } from '../postgres/session/distant-server.ts'
import { openDriverPool, type DriverPool } from '../postgres/session/driver-pool.ts'
import { findPgbouncer, startPgbouncer } from '../postgres/programs/pgbouncer.ts'
import type { ServerAddress } from '../postgres/session/server-address.ts'
import { EmbeddedServer } from '../postgres/server/server.ts'
import { PlatformOnTrial } from '../testing/platform-on-trial.ts'
import { withTenant } from './with-tenant.ts'

const statements = [
  ['SELECT count(*) AS n FROM isp_customers'],
  ['SELECT 1 AS one; SELECT 2 AS two'],
  ['SELECT count(*) AS n FROM isp_customers WHERE city <> $1', ['nowhere']],
] as const

/** Round trips of each statement alone on a client of the pool, and in a tenant's context. */
async function extraTrips(
  pool: DriverPool,
  trips: () => number,
  tenant: { id: string; tenancy: Tenancy },
) {
  const counted = async (work: () => Promise<unknown>) => {
    const before = trips()
    await work()
    return trips() - before
  }
  const extra: number[] = []
  for (const [sql, values] of statements) {
    const ask = (session: { query(sql: string, values?: unknown[]): Promise<unknown> }) =>
      session.query(sql, values === undefined ? undefined : [...values])
    const work = () => withTenant(pool, tenant, (session) => ask(session as DriverPool))
    await work()
    const bound = await counted(work)
    // Without row security the table is not the tenant's to read: the trips are the same.
    const bare = await counted(() => ask(pool).catch(() => undefined))
    extra.push(bound - bare)
  }
  return extra
}

type Tenancy = 'row-level-security' | 'schema-per-tenant'

function tcpAddress(platform: PlatformOnTrial): ServerAddress {
  const { server } = platform.open
  if (!(server instanceof EmbeddedServer)) throw new Error('the trial has a server of its own')
  return server.tcpAddress
}

test.each([
  ['row-level-security', true],
  ['row-level-security', false],
  ['schema-per-tenant', true],
  ['schema-per-tenant', false],
] as const)(
  'it costs one round trip more than the statement, %s, pipeline: %s',
  async (tenancy, pipeline) => {
    await using platform = await PlatformOnTrial.start({
      tenancy,
      services: ['isp'],
      tenants: 2,
      rows: 5,
    })
    const {
      namespace: { roles },
      passwords,
    } = platform.open.site
    await using distant = await distantServer(tcpAddress(platform), 5)
    const pool = openDriverPool({
      address: distant.address,
      database: platform.database('isp'),
      max: 1,
      pipeline,
      login: { user: roles.app, password: passwords.app },
    })
    const [{ id } = { id: '' }] = platform.tenants
    expect(await extraTrips(pool, () => distant.roundTrips(), { id, tenancy })).toEqual([1, 1, 1])
    const client = (await pool.connect()) as unknown as { pipeline: boolean; release(): void }
    expect(client.pipeline).toBe(pipeline)
    client.release()
    await pool.end()
  },
  60_000,
)

test('it costs one round trip more behind pgbouncer in transaction mode', async (context: TestContext) => {
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
  await using distant = await distantServer(pooler.address, 5)
  const pool = openDriverPool({
    address: distant.address,
    database,
    max: 1,
    pipeline: false,
    login,
  })
  const [{ id } = { id: '' }] = platform.tenants
  const extra = await extraTrips(pool, () => distant.roundTrips(), {
    id,
    tenancy: 'row-level-security',
  })
  expect(extra).toEqual([1, 1, 1])
  await pool.end()
}, 60_000)
