import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { ensureAuditTriggers } from './triggers.ts'
import { recordAccess } from './record-access.ts'
import { withAuditedTenant } from './with-audited-tenant.ts'

const insertFor = `INSERT INTO isp_customers (tenant_id, name, email)
  SELECT $1, 'x' || n, 'x' || n || '@x' FROM generate_series(1, 3) n`

test("writes, refused writes and requests for another tenant are in the acting tenant's trail only", async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'] })
  const admin = await platform.admin('isp')
  const pool = platform.pool('isp')
  const [one, other] = platform.tenants
  if (one === undefined || other === undefined) throw new Error('two tenants are needed')
  await admin.query('TRUNCATE audit_tenant_access')
  const columns = await admin.query(`SELECT column_name FROM information_schema.columns
    WHERE table_name = 'isp_customers' AND is_nullable = 'NO' AND column_default IS NULL ORDER BY 1`)
  const more = columns
    .map((row) => String(row['column_name']))
    .filter((name) => !['tenant_id', 'name', 'email'].includes(name))
  const insert = insertFor
    .replace('email)', ['email', ...more].join(', ') + ')')
    .replace("'@x'", ["'@x'", ...more.map(() => "'1'")].join(', '))
  const request = {
    tenant: one,
    userId: 'ann',
    tableName: 'isp_customers',
    operation: 'INSERT',
    clientIp: '192.0.2.7',
    userAgent: 'agent',
  }
  const trail = () =>
    admin.query(`SELECT tenant_id, user_id, table_name, operation, success, host(client_ip) AS ip,
    user_agent FROM audit_tenant_access ORDER BY access_time, success`)

  await withAuditedTenant(pool, request, (session) => session.query(insert, [one.id]))
  const written = await trail()
  expect(written).toEqual(
    [0, 1].map(() => ({
      tenant_id: one.id,
      user_id: 'ann',
      table_name: 'isp_customers',
      operation: 'INSERT',
      success: 't',
      ip: '192.0.2.7',
      user_agent: 'agent',
    })),
  )

  await expect(
    withAuditedTenant(pool, request, (session) => session.query(insert, [other.id])),
  ).rejects.toMatchObject({ code: '42501' })
  await expect(
    withAuditedTenant(pool, { ...request, requestedTenantId: other.id }, async () => 1),
  ).rejects.toMatchObject({ code: 'WATERTIGHT_FOREIGN_TENANT' })
  const refusals = (await trail()).slice(2)
  expect(refusals.map((row) => [row['tenant_id'], row['success'], row['operation']])).toEqual([
    [one.id, 'f', 'INSERT'],
    [one.id, 'f', 'CROSS TENANT'],
  ])
  expect(refusals[1]?.['table_name']).toBe(`isp_customers of ${JSON.stringify(other.id)}`)

  const found = await withAuditedTenant(pool, { ...request, enabled: false }, (session) =>
    session.query('SELECT 1 FROM isp_customers WHERE tenant_id = $1', [other.id]),
  )
  expect([found.rows.length, (await trail()).length]).toEqual([0, 4])
  expect(await recordAccess(pool, { ...request, success: true }, { enabled: false })).toBe(false)

  for (const [sql, values] of [
    ['DELETE FROM audit_tenant_access', []],
    ['UPDATE audit_tenant_access SET success = true', []],
    [
      `INSERT INTO audit_tenant_access (tenant_id, user_id, table_name, operation, success)
      VALUES ($1, 'u', 't', 'o', true)`,
      [other.id],
    ],
  ] as const) {
    await expect(
      withAuditedTenant(pool, { ...request, enabled: false }, (session) =>
        session.query(sql, values),
      ),
    ).rejects.toMatchObject({ code: '42501' })
  }
  expect((await trail()).length).toBe(4)
  const triggers = { schema: 'public', owner: platform.open.site.namespace.roles.owner }
  const switchOff = 'ALTER TABLE isp_customers DISABLE TRIGGER audit_insert'
  await admin.query(switchOff)
  expect((await ensureAuditTriggers(admin, { ...triggers, enabled: true })).added).toEqual([
    '"audit_insert" ON public.isp_customers',
  ])
  await admin.query(switchOff)
  const { removed } = await ensureAuditTriggers(admin, { ...triggers, enabled: false })
  expect(removed).toContain('"audit_insert" ON public.isp_customers')
  await withAuditedTenant(pool, { ...request, enabled: false }, (session) =>
    session.query(insert.replaceAll('x', 'y'), [one.id]),
  )
  expect((await trail()).length).toBe(4)
  expect((await ensureAuditTriggers(admin, { ...triggers, enabled: true })).added).toEqual(removed)
  expect(await ensureAuditTriggers(admin, { ...triggers, enabled: true })).toEqual({
    added: [],
    removed: [],
  })
  await withAuditedTenant(pool, { ...request, enabled: false }, (session) =>
    session.query(insert.replaceAll('x', 'z'), [one.id]),
  )
  expect((await trail()).length).toBe(5)
}, 60_000)
