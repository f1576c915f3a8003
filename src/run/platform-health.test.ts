import { expect, test } from 'vitest'
import { PlatformOnTrial } from './platform-on-trial.ts'
import { checkPlatform } from './platform-health.ts'

test.each(['row-level-security', 'schema-per-tenant'] as const)('both databases of %s: 0, 1 after a defect',
  async (tenancy) => {
  await using platform = await PlatformOnTrial.start({ tenancy })
  const { address, namespace, passwords } = platform.open.site
  const target = { address, tenancy, roles: namespace.roles,
    databases: { management: platform.database('management'), isp: platform.database('isp') } }
  const app = { ...address, user: namespace.roles.app, password: passwords.app }
  const healthy = await checkPlatform(target, { app, tenants: 4 })
  const findings = Object.values(healthy.services).flatMap((each) => each.checks.flatMap((check) => check.findings))
  expect([healthy.exitCode, findings]).toEqual([0, []])
  const admin = await platform.admin('isp')
  const [, other] = platform.tenants
  await admin.query(tenancy === 'row-level-security' ? 'ALTER TABLE isp_services NO FORCE ROW LEVEL SECURITY'
    : `GRANT USAGE ON SCHEMA "${other?.schema ?? ''}" TO PUBLIC`)
  expect((await checkPlatform(target, { app, tenants: 4 })).exitCode).toBe(1)
}, 60_000)
