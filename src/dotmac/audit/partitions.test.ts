import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { validateTenantIsolationHealth } from '../health/tenant-isolation-health.ts'
import { ensureAuditPartitions } from './partitions.ts'
import { recordAccess } from './record-access.ts'

test('months are made ahead and old ones dropped; rows stay, the trail stays isolated', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'] })
  const admin = await platform.admin('isp')
  const pool = platform.pool('isp', { max: 1 })
  const count = async () =>
    (await admin.query('SELECT count(*) AS n FROM audit_tenant_access'))[0]?.['n']
  // The seed's entries are of any time, and what is older than what is kept is dropped.
  await admin.query('UPDATE audit_tenant_access SET access_time = now()')
  const before = await count()
  const now = new Date()
  const first = await ensureAuditPartitions(admin, { now, ahead: 2, keep: 3 })
  expect([first.created.length, first.dropped.length, await count()]).toEqual([6, 0, before])
  expect(await ensureAuditPartitions(admin, { now, ahead: 2, keep: 3 })).toEqual({
    created: [],
    dropped: [],
    deleted: 0,
  })
  const [tenant] = platform.tenants
  if (tenant === undefined) throw new Error('a tenant is needed')
  await recordAccess(pool, { tenant, userId: 'u', tableName: 't', operation: 'o', success: false })
  const health = await validateTenantIsolationHealth({
    service: 'isp',
    tenancy: 'row-level-security',
    admin,
    pool,
    roles: platform.open.site.namespace.roles,
    tenants: platform.tenants,
  })
  expect(health.checks.flatMap((check) => check.findings)).toEqual([])
  const client = await pool.connect()
  await expect(client.query(`SELECT 1 FROM ${first.created[3] ?? ''}`)).rejects.toMatchObject({
    code: '42501',
  })
  client.release()
  const later = await ensureAuditPartitions(admin, { now, ahead: 2, keep: 0 })
  expect(later.dropped).toEqual(first.created.slice(0, 3))
  await expect(ensureAuditPartitions(admin, { now, ahead: -1, keep: 0 })).rejects.toMatchObject({
    code: 'WATERTIGHT_AUDIT_PARTITIONS',
  })
}, 60_000)
