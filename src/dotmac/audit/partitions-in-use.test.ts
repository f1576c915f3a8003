import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Session } from '../../postgres/session/session.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { ensureAuditPartitions } from './partitions.ts'

const now = new Date()
const insert = `INSERT INTO audit_tenant_access (tenant_id, user_id, table_name, operation, success)
  SELECT tenant_id, 'u', 't', 'o', true FROM isp_tenants LIMIT 1`

test('partitions wait for a long transaction without making anybody wait behind them', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], rows: 10 })
  const { address } = platform.open.site
  const admin = await platform.admin('isp')
  await admin.query('TRUNCATE audit_tenant_access')
  const reader = await platform.admin('isp')
  await using writer = await Session.connect({
    address,
    database: platform.database('isp'),
    pipeline: false,
    lockTimeoutMs: 1_000,
  })
  const states = [[], await ensureAuditPartitions(admin, { now, ahead: 0 })].map(
    (_, index) => index,
  )
  for (const ahead of states) {
    await reader.query('BEGIN; SELECT count(*) FROM audit_tenant_access')
    await expect(
      ensureAuditPartitions(admin, { now, ahead: ahead + 1, lockWaitMs: 500 }),
    ).rejects.toMatchObject({ code: 'WATERTIGHT_AUDIT_PARTITIONS_BUSY', cause: { code: '55P03' } })
    let isWaiting = true
    const made = ensureAuditPartitions(admin, { now, ahead: ahead + 1, lockWaitMs: 60_000 })
    void made.finally(() => {
      isWaiting = false
    })
    for (let turn = 0; turn < 30; turn += 1) {
      await writer.query(insert)
      await sleep(100)
    }
    expect(isWaiting).toBe(true)
    await reader.query('ROLLBACK')
    expect((await made).created).toHaveLength(1)
  }
  // What is there already locks nothing, so nobody has to be waited for.
  await reader.query('BEGIN; SELECT count(*) FROM audit_tenant_access')
  expect(await ensureAuditPartitions(admin, { now, ahead: 2, keep: 0, lockWaitMs: 100 })).toEqual({
    created: [],
    dropped: [],
    deleted: 0,
  })
}, 60_000)

test('entries from before the first partition are deleted by --keep, and kept where nothing is said', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], rows: 10 })
  const admin = await platform.admin('isp')
  await admin.query('TRUNCATE audit_tenant_access')
  const old = (years: number) =>
    admin.query(`INSERT INTO audit_tenant_access
    (tenant_id, user_id, table_name, operation, success, access_time)
    SELECT tenant_id, 'old', 't', 'o', true, now() - interval '${years} years' FROM isp_tenants`)
  const left = async () =>
    (await admin.query(`SELECT 1 FROM audit_tenant_access WHERE user_id = 'old'`)).length
  await old(3)
  const tenants = await left()
  expect(await ensureAuditPartitions(admin, { now, ahead: 0 })).toMatchObject({ deleted: 0 })
  await old(2)
  expect(await ensureAuditPartitions(admin, { now, ahead: 0 })).toMatchObject({ deleted: 0 })
  expect(await left()).toBe(2 * tenants)
  expect(await ensureAuditPartitions(admin, { now, ahead: 0, keep: 30 })).toMatchObject({
    deleted: tenants,
  })
  expect(await ensureAuditPartitions(admin, { now, ahead: 0, keep: 1 })).toMatchObject({
    deleted: 0,
  })
  expect(await left()).toBe(0)
}, 60_000)
