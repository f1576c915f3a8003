import { expect, test } from 'vitest'
import { withTenant } from '../with-tenant.ts'
import { reporter } from '../reporting.ts'
import { ServiceOnTrial } from '../../testing/service-on-trial.ts'

const owners = (answer: { body: Record<string, unknown> }) => [
  ...new Set((answer.body['items'] as Record<string, string>[]).map((row) => row['tenant_id'])),
]

test('the application alone: without row security every request still sees its own rows only', async () => {
  await using trial = await ServiceOnTrial.start({ variables: { AUDIT_TENANT_ACCESS: 'false' } })
  const admin = await trial.platform.admin('isp')
  for (const table of [
    'isp_customers',
    'isp_services',
    'isp_billing_invoices',
    'isp_analytics_daily',
  ]) {
    await admin.query(`ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`)
  }
  const [one = '', other = ''] = trial.platform.tenants.map(({ id }) => id)
  expect(
    (await trial.platform.pool('isp').query('SELECT DISTINCT tenant_id FROM isp_customers'))
      .rowCount,
  ).toBe(3)
  expect(owners(await trial.ask('/customers', { tenant: one }))).toEqual([one])
  expect(owners(await trial.ask('/invoices', { tenant: other }))).toEqual([other])
  const [foreign] = await admin.query(
    `SELECT id FROM isp_customers WHERE tenant_id <> '${one}' LIMIT 1`,
  )
  expect(
    (await trial.ask(`/customers/${String(foreign?.['id'])}`, { tenant: one, method: 'DELETE' }))
      .status,
  ).toBe(404)
}, 60_000)

test('the database alone: work that names no tenant, or another one, sees and writes nothing of others', async () => {
  const variables = { TENANT_ISOLATION_STRICT: 'false', AUDIT_TENANT_ACCESS: 'no' }
  await using trial = await ServiceOnTrial.start({ variables })
  const [one = '', other = ''] = trial.platform.tenants.map(({ id }) => id)
  const pool = trial.platform.pool('isp')
  const seen = await withTenant(pool, one, (session) =>
    session.query('SELECT DISTINCT tenant_id FROM isp_customers'),
  )
  expect(seen.rows).toEqual([{ tenant_id: one }])
  const taken = withTenant(pool, one, (session) =>
    session.query('UPDATE isp_customers SET tenant_id = $1', [other]),
  )
  await expect(taken).rejects.toMatchObject({ code: '42501' })
  expect(
    owners(await trial.ask('/customers', { tenant: one, headers: { 'x-tenant-id': other } })),
  ).toEqual([one])
}, 60_000)

test('the audit alone: attempts across tenants are recorded where nothing else refuses them', async () => {
  await using trial = await ServiceOnTrial.start({
    variables: { TENANT_ISOLATION_STRICT: 'false' },
  })
  const admin = await trial.platform.admin('isp')
  await admin.query('ALTER TABLE isp_customers DISABLE ROW LEVEL SECURITY')
  const [one = '', other = ''] = trial.platform.tenants.map(({ id }) => id)
  const [{ id: foreign } = { id: '' }] = await admin.query(
    `SELECT id FROM isp_customers WHERE tenant_id <> '${one}'`,
  )
  await trial.ask(`/customers?tenant=${encodeURIComponent(other)}`, { tenant: one })
  await trial.ask(`/customers/${String(foreign)}`, { tenant: one })
  const trail =
    await admin.query(`SELECT tenant_id, operation, table_name, success FROM audit_tenant_access
    WHERE user_id = 'user@example.org' ORDER BY access_time`)
  expect(trail.map((row) => Object.values(row))).toEqual([
    [one, 'SELECT', `isp_customers of ${JSON.stringify(other)}`, 'f'],
    [one, 'SELECT', 'isp_customers', 't'],
    [one, 'SELECT', `isp_customers row ${JSON.stringify(foreign)}`, 'f'],
  ])
}, 60_000)

test('the audit alone: access is recorded as the tenant who acted; switched off it records nothing', async () => {
  const count = "SELECT count(*) AS n FROM audit_tenant_access WHERE user_id = 'user@example.org'"
  for (const [value, expected] of [
    ['true', '3'],
    ['false', '0'],
  ] as const) {
    await using trial = await ServiceOnTrial.start({ variables: { AUDIT_TENANT_ACCESS: value } })
    const admin = await trial.platform.admin('isp')
    await admin.query('ALTER TABLE isp_customers DISABLE ROW LEVEL SECURITY')
    const [{ id: tenant } = { id: '' }] = trial.platform.tenants
    for (const path of ['/customers', '/services', '/usage']) await trial.ask(path, { tenant })
    expect((await admin.query(`${count} AND tenant_id = '${tenant}'`))[0]?.['n']).toBe(expected)
    expect((await admin.query(count))[0]?.['n']).toBe(expected)
  }
}, 60_000)

test('reports over tenants need the scope and the reporting role; refusals are recorded', async () => {
  await using trial = await ServiceOnTrial.start()
  const [{ id: tenant } = { id: '' }] = trial.platform.tenants
  const path = '/admin/reports/revenue'
  expect(await trial.ask(path, { tenant })).toMatchObject({
    status: 403,
    body: { code: 'WATERTIGHT_SCOPE' },
  })
  const token = await trial.issuer.token({ tenant, scope: 'profile reporting' })
  const report = await trial.ask(path, { token })
  expect([report.status, (report.body['rows'] as unknown[]).length]).toEqual([200, 3])
  expect((await trial.ask('/admin/reports/__proto__', { token })).status).toBe(404)
  const pool = trial.platform.pool('isp')
  const asApplication = reporter({ isp: pool, trail: () => pool })
  await expect(
    asApplication('revenue', { tenant: { id: tenant }, userId: 'ann', enabled: false }),
  ).rejects.toMatchObject({ code: 'WATERTIGHT_NOT_REPORTING' })
  const admin = await trial.platform.admin('isp')
  const trail =
    await admin.query(`SELECT table_name, success FROM audit_tenant_access WHERE operation = 'REPORT'
    AND tenant_id = '${tenant}' ORDER BY access_time`)
  expect(trail).toEqual([
    { table_name: 'revenue', success: 'f' },
    { table_name: 'revenue', success: 't' },
    { table_name: '__proto__', success: 'f' },
  ])
}, 60_000)
