import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import type { StrategySession } from '../../model/context-strategy.ts'
import { withTenant } from '../with-tenant.ts'
import { recordAccess } from './record-access.ts'
import { withAuditedTenant } from './with-audited-tenant.ts'

async function audited() {
  const platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2 })
  const admin = await platform.admin('isp')
  const [one, other] = platform.tenants
  if (one === undefined || other === undefined) throw new Error('two tenants are needed')
  // There is one connection only, so whatever waits for a second one is seen.
  const pool = platform.pool('isp', { max: 1 })
  const request = { tenant: one, userId: 'ann', tableName: 'isp_customers', operation: 'INSERT' }
  const steal = (session: StrategySession) =>
    session.query(
      `UPDATE isp_customers SET tenant_id = $1 WHERE id = (SELECT id FROM isp_customers LIMIT 1)`,
      [other.id],
    )
  const lines = async () => {
    const rows = await admin.query(
      `SELECT tenant_id, user_id, success FROM audit_tenant_access ORDER BY access_time`,
    )
    await admin.query('TRUNCATE audit_tenant_access')
    expect(rows.filter((row) => row['tenant_id'] !== one.id)).toEqual([])
    return rows.map((row) => row['success'])
  }
  await admin.query('TRUNCATE audit_tenant_access')
  return { platform, admin, pool, request, steal, lines, one, other }
}

test('a refusal that the work catches is recorded, whatever the work does then', async () => {
  const { platform, pool, request, steal, lines } = await audited()
  await using _ = platform
  const truncate = (session: StrategySession) => session.query('TRUNCATE isp_customers')
  for (const refused of [steal, truncate]) {
    await expect(
      withAuditedTenant(pool, request, (session) => refused(session).catch(() => 'swallowed')),
    ).rejects.toMatchObject({ code: 'WATERTIGHT_NOT_COMMITTED' })
    expect(await lines()).toEqual(['f'])
    await expect(
      withAuditedTenant(pool, request, (session) =>
        refused(session).catch(() => {
          throw new Error('something else')
        }),
      ),
    ).rejects.toThrow('something else')
    expect(await lines()).toEqual(['f'])
    await expect(
      withAuditedTenant(pool, request, (session) => Promise.any([refused(session)])),
    ).rejects.toThrow(AggregateError)
    expect(await lines()).toEqual(['f'])
    expect(
      await withAuditedTenant(pool, request, async (session) => {
        for (const name of ['a', 'b']) {
          await session.query(`SAVEPOINT ${name}`)
          await refused(session).catch(() => undefined)
          await session.query(`ROLLBACK TO ${name}`)
        }
        return 'done'
      }),
    ).toBe('done')
    expect((await lines()).toSorted()).toEqual(['f', 'f', 't'])
    await expect(
      withAuditedTenant(pool, request, async (session) => {
        void refused(session)
        await Promise.resolve()
      }),
    ).rejects.toMatchObject({ code: 'WATERTIGHT_NOT_COMMITTED' })
    expect(await lines()).toEqual(['f'])
    await expect(
      withAuditedTenant(pool, { ...request, enabled: false }, (session) => refused(session)),
    ).rejects.toMatchObject({ code: '42501' })
    expect(await lines()).toEqual([])
  }
}, 60_000)

test('a refusal within another transaction of the tenant outlives its rollback and waits for its end', async () => {
  const { platform, pool, request, steal, lines, one, other } = await audited()
  await using _ = platform
  await expect(
    withTenant(pool, one, () => withAuditedTenant(pool, request, steal)),
  ).rejects.toMatchObject({ code: '42501' })
  expect(await lines()).toEqual(['f'])
  await withTenant(pool, one, async (session) => {
    await session.query('SAVEPOINT a')
    await withAuditedTenant(pool, request, steal).catch(() => undefined)
    await session.query('ROLLBACK TO a')
    await withAuditedTenant(pool, { ...request, requestedTenantId: other.id }, steal).catch(
      () => undefined,
    )
  })
  expect(await lines()).toEqual(['f', 'f'])
  await expect(
    withTenant(pool, one, async () => {
      await recordAccess(pool, { ...request, success: false })
      throw new Error('rolled back')
    }),
  ).rejects.toThrow('rolled back')
  expect(await lines()).toEqual(['f'])
}, 60_000)

test('a refusal that cannot be written is told beside the refusal, or beside the work that was committed', async () => {
  const { platform, admin, pool, request, steal } = await audited()
  await using _ = platform
  const { app } = platform.open.site.namespace.roles
  await admin.query(`REVOKE INSERT ON audit_tenant_access FROM ${app}`)
  const failures = { errors: [{ code: '42501' }, { code: '42501' }] }
  await expect(withAuditedTenant(pool, request, steal)).rejects.toMatchObject(failures)
  const one = request.tenant
  await expect(
    withTenant(pool, one, () => withAuditedTenant(pool, request, steal)),
  ).rejects.toMatchObject(failures)
  await expect(
    withTenant(pool, one, async (session) => {
      await session.query('SAVEPOINT a')
      await withAuditedTenant(pool, request, steal).catch(() => undefined)
      await session.query('ROLLBACK TO a')
    }),
  ).rejects.toMatchObject({ errors: [{ code: '42501' }] })
}, 60_000)
