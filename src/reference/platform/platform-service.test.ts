import { expect, test } from 'vitest'
import { openService } from './platform-service.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { Issuer } from '../../testing/service-on-trial.ts'

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  '/health is up, down when isolation is broken and down when the server is gone, and names no tenant, %s',
  async (tenancy) => {
    await using platform = await PlatformOnTrial.start({ tenancy, rows: 10 })
    const {
      address,
      namespace: { roles },
      passwords,
    } = platform.open.site
    const databases = { management: platform.database('management'), isp: platform.database('isp') }
    const as = (user: string, password: string) => ({
      address: { ...address, user, password },
      tenancy,
      databases,
      roles,
    })
    const faults: string[] = []
    const options = {
      jwks: new URL('http://127.0.0.1:1/'),
      issuer: 'i',
      audience: 'a',
      hostname: '127.0.0.1',
      port: 0,
      variables: {},
      onError: (error: unknown) => {
        faults.push(String(error))
      },
    }
    const open = (isReporting: boolean, variables = {}) =>
      openService(as(roles.app, passwords.app), {
        ...options,
        variables,
        reporting: isReporting ? as(roles.admin, passwords.admin) : null,
      })
    const ask = async (isReporting: boolean, variables = {}) => {
      const service = await open(isReporting, variables)
      try {
        const response = await fetch(`http://127.0.0.1:${service.port}/health`)
        const text = await response.text()
        const metrics = await fetch(`http://127.0.0.1:${service.port}/metrics`)
        expect([metrics.status, await metrics.text()]).toEqual([
          200,
          expect.stringContaining('_waiting_requests 0\n'),
        ])
        const { checks } = JSON.parse(text) as { checks: { name: string; result: string }[] }
        return {
          status: response.status,
          text,
          checks: checks.map(({ name, result }) => `${name} ${result}`),
        }
      } finally {
        await service.close()
      }
    }
    // Who would serve more than a tenant's rows, reports over less, or another database is not started.
    const other = tenancy === 'row-level-security' ? 'schema-per-tenant' : 'row-level-security'
    const app = as(roles.app, passwords.app)
    const reporting = as(roles.admin, passwords.admin)
    const refusals = [
      [reporting, null, 'RIGHTS'],
      [as(address.user, address.password ?? ''), null, 'RIGHTS'],
      [app, app, 'NOT_REPORTING'],
      [{ ...app, tenancy: other }, null, 'NOT_MIGRATED'],
      [{ ...app, databases: { ...databases, isp: databases.management } }, null, 'NOT_MIGRATED'],
      [{ ...app, databases: { ...databases, isp: 'nowhere' } }, null, 'UNREACHABLE'],
    ] as const
    for (const [target, reports, code] of refusals) {
      await expect(
        openService(target, { ...options, reporting: reports }),
        code,
      ).rejects.toMatchObject({ code: `WATERTIGHT_${code}` })
    }
    const healthy = await ask(true)
    expect([healthy.status, faults]).toEqual([200, []])
    expect(healthy.checks).toContain('isp validateCrossTenantQueries ok')
    expect(healthy.checks).toHaveLength(9)
    expect((await ask(false)).checks).toEqual(['reachable ok', 'isolation unknown'])
    const admin = await platform.admin('isp')
    const [, second] = platform.tenants
    await admin.query(
      tenancy === 'row-level-security'
        ? 'ALTER TABLE isp_services DISABLE ROW LEVEL SECURITY'
        : `GRANT USAGE ON SCHEMA "${second?.schema ?? ''}" TO PUBLIC`,
    )
    // It would not start on what is broken already; what breaks while it runs is told.
    const broken = await ask(true, { ENABLE_RLS: 'false' })
    expect([broken.status, broken.checks.some((check) => check.endsWith('failed'))]).toEqual([
      503,
      true,
    ])
    expect(faults.length).toBeGreaterThan(0)
    for (const { id } of platform.tenants.filter((each) => each.id.length > 4))
      expect(broken.text).not.toContain(id)
    const service = await open(false, { ENABLE_RLS: 'false' })
    try {
      const elsewhere = await platform.admin('management')
      await elsewhere.query(`ALTER DATABASE "${databases.isp}" ALLOW_CONNECTIONS false`)
      await elsewhere.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = '${databases.isp}' AND usename = '${roles.app}'`)
      expect((await fetch(`http://127.0.0.1:${service.port}/health`)).status).toBe(503)
    } finally {
      await service.close()
    }
  },
  90_000,
)

test('ENABLE_RLS refuses a table whose row security is off; without it the service names the tenant', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const {
    address,
    namespace: { roles },
    passwords,
  } = platform.open.site
  const target = {
    address: { ...address, user: roles.app, password: passwords.app },
    roles,
    tenancy: 'row-level-security' as const,
    databases: { management: platform.database('isp'), isp: platform.database('isp') },
  }
  const open = (value: string) =>
    openService(target, {
      jwks: new URL('http://127.0.0.1:1/'),
      issuer: 'i',
      audience: 'a',
      hostname: '127.0.0.1',
      port: 0,
      variables: { ENABLE_RLS: value },
      reporting: null,
      onError: () => undefined,
    })
  await (await open('true')).close()
  const admin = await platform.admin('isp')
  await admin.query('ALTER TABLE isp_services NO FORCE ROW LEVEL SECURITY')
  await expect(open('true')).rejects.toMatchObject({
    code: 'WATERTIGHT_RLS_OFF',
    message: 'Row security is not enforced on isp_services',
  })
  await (await open('false')).close()
  await expect(open('perhaps')).rejects.toMatchObject({
    code: 'WATERTIGHT_BAD_VARIABLE',
    message: expect.stringContaining('ENABLE_RLS') as string,
  })
}, 60_000)

test('the end cuts what still runs when requests have had their time, in the database too', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const {
    address,
    namespace: { roles },
    passwords,
  } = platform.open.site
  await using issuer = await new Issuer().start()
  const databases = { management: platform.database('isp'), isp: platform.database('isp') }
  const app = { ...address, user: roles.app, password: passwords.app }
  const service = await openService(
    { address: app, roles, databases, tenancy: 'row-level-security' },
    {
      jwks: issuer.jwks,
      issuer: 'https://issuer.example',
      audience: 'dotmac',
      hostname: '127.0.0.1',
      port: 0,
      variables: {},
      reporting: null,
      drainMs: 200,
      onError: () => undefined,
    },
  )
  const admin = await platform.admin('isp')
  await admin.query('BEGIN; LOCK TABLE isp_customers IN ACCESS EXCLUSIVE MODE')
  const authorization = `Bearer ${await issuer.token({ tenant: platform.tenants[0]?.id })}`
  const stuck = fetch(`http://127.0.0.1:${service.port}/customers`, { headers: { authorization } })
  const asked = stuck.catch(() => 'cut')
  const waiting = async () => (await admin.query('SELECT 1 FROM pg_locks WHERE NOT granted')).length
  await expect.poll(waiting).toBe(1)
  const before = performance.now()
  await service.close()
  // The pool would have let it run for 30 s more.
  expect(performance.now() - before).toBeLessThan(8_000)
  expect(await asked).toBe('cut')
}, 60_000)
