import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { checkPlatform } from './platform-health.ts'

const tenancies = ['row-level-security', 'schema-per-tenant'] as const

test.each(tenancies)(
  'both databases of %s: 0, 1 after a defect',
  async (tenancy) => {
    await using platform = await PlatformOnTrial.start({ tenancy })
    const { address, namespace, passwords } = platform.open.site
    const target = {
      address,
      tenancy,
      roles: namespace.roles,
      databases: { management: platform.database('management'), isp: platform.database('isp') },
    }
    const app = { ...address, user: namespace.roles.app, password: passwords.app }
    const healthy = await checkPlatform(target, { app, tenants: 4 })
    const findings = Object.values(healthy.services).flatMap((each) =>
      each.checks.flatMap((check) => check.findings),
    )
    expect([healthy.exitCode, findings]).toEqual([0, []])
    const admin = await platform.admin('isp')
    const [, other] = platform.tenants
    await admin.query(
      tenancy === 'row-level-security'
        ? 'ALTER TABLE isp_services NO FORCE ROW LEVEL SECURITY'
        : `GRANT USAGE ON SCHEMA "${other?.schema ?? ''}" TO PUBLIC`,
    )
    expect((await checkPlatform(target, { app, tenants: 4 })).exitCode).toBe(1)
  },
  60_000,
)

test('a login that sees a part, a superuser and one of another server are no healthy platform', async () => {
  await using platform = await PlatformOnTrial.start({ rows: 10 })
  await using elsewhere = await PlatformOnTrial.start({ rows: 10, services: ['management'] })
  const {
    address,
    namespace: { roles },
    passwords,
  } = platform.open.site
  const databases = { management: platform.database('management'), isp: platform.database('isp') }
  const target = { address, tenancy: 'row-level-security' as const, roles, databases }
  const app = { ...address, user: roles.app, password: passwords.app }
  await expect(
    checkPlatform({ ...target, address: app }, { app, tenants: 4 }),
  ).rejects.toMatchObject({ code: 'WATERTIGHT_RIGHTS' })
  const other = {
    ...elsewhere.open.site.address,
    user: roles.app,
    password: elsewhere.open.site.passwords.app,
  }
  await expect(checkPlatform(target, { app: other, tenants: 4 })).rejects.toMatchObject({
    code: 'WATERTIGHT_OTHER_SERVER',
  })
  const reporting = { ...address, user: roles.admin, password: passwords.admin }
  expect(
    (await checkPlatform({ ...target, address: reporting }, { app, tenants: 2 })).exitCode,
  ).toBe(0)
  const all = await checkPlatform(target, { app: address, tenants: 2 })
  expect([all.exitCode, all.services['isp']?.checks[0]?.findings]).toEqual([
    1,
    expect.arrayContaining([expect.stringContaining(`${address.user} is a superuser`)]),
  ])
  const admin = await platform.admin('isp')
  await admin.query('TRUNCATE isp_tenants CASCADE')
  expect((await checkPlatform(target, { app, tenants: 4 })).exitCode).toBe(3)
}, 90_000)
