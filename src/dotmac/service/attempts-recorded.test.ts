import { expect, test } from 'vitest'
import { ServiceOnTrial } from '../../testing/service-on-trial.ts'

const json = (method: string, body: object) => ({
  method,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
})

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  "whoever asks for another tenant's row, or refers to one, is in its own trail; who is no tenant is refused, %s",
  async (tenancy) => {
    await using trial = await ServiceOnTrial.start({ tenancy })
    const [one, other] = trial.platform.tenants
    if (one === undefined || other === undefined) throw new Error('two tenants are needed')
    const tenant = one.id
    const admin = await trial.platform.admin('isp')
    const first = async (path: string, id: string) =>
      (
        (await trial.ask(`${path}?limit=1`, { tenant: id })).body['items'] as Record<
          string,
          string
        >[]
      )[0]
    const foreign = (await first('/customers', other.id))?.['id'] ?? ''
    const service = await first('/services', tenant)
    const own = ['plan_code', 'status', 'monthly_fee', 'activated_on'].map((name) => [
      name,
      service?.[name],
    ])
    const refer = { ...(Object.fromEntries(own) as object), customer_id: foreign }
    const at = (schema: string) => (tenancy === 'row-level-security' ? 'public' : `"${schema}"`)
    const refusals = async (schema: string) =>
      (
        await admin.query(`SELECT operation, table_name, host(client_ip) AS ip
      FROM ${at(schema)}.audit_tenant_access WHERE NOT success AND user_id = 'user@example.org' ORDER BY access_time`)
      ).map((row) => Object.values(row))
    const answers = [
      await trial.ask(`/customers/${foreign}`, { tenant }),
      await trial.ask(`/customers/${foreign}`, { tenant, ...json('PATCH', { city: 'taken' }) }),
      await trial.ask(`/customers/${foreign}`, { tenant, method: 'DELETE' }),
      await trial.ask('/services', { tenant, ...json('POST', refer) }),
      await trial.ask('/customers/%00', { tenant }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 422, 404])
    const row = `isp_customers row "${foreign}"`
    expect(await refusals(one.schema)).toEqual([
      ['SELECT', row, '127.0.0.1'],
      ['UPDATE', row, '127.0.0.1'],
      ['DELETE', row, '127.0.0.1'],
      ['INSERT', `isp_services row "${foreign}"`, '127.0.0.1'],
      ['SELECT', 'isp_customers row "\\u0000"', '127.0.0.1'],
    ])
    if (tenancy === 'schema-per-tenant') expect(await refusals(other.schema)).toEqual([])
    expect(trial.errors).toEqual([])

    // A token may outlive its tenant, whose trail is gone with it: the operator is told.
    const gone = { tenant: 'gone' }
    const customer = {
      name: 'n',
      email: 'e',
      phone: '1',
      street: 's',
      city: 'c',
      postcode: 'p',
      country: 'DE',
      status: 'active',
    }
    const none = [
      await trial.ask('/customers', gone),
      await trial.ask(`/customers?tenant=${tenant}`, gone),
      await trial.ask('/customers', { ...gone, ...json('POST', customer) }),
      await trial.ask('/admin/reports/revenue', {
        token: await trial.issuer.token({ ...gone, scope: 'reporting' }),
      }),
    ]
    for (const answer of none) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'WATERTIGHT_NO_TENANT' } })
    }
    expect(trial.errors).toHaveLength(none.length)
  },
  60_000,
)

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'who is no tenant is refused where nothing is audited too, and so is one whose schema is not made, %s',
  async (tenancy) => {
    await using trial = await ServiceOnTrial.start({
      tenancy,
      variables: { AUDIT_TENANT_ACCESS: 'false' },
    })
    const [one, other] = trial.platform.tenants
    if (one === undefined || other === undefined) throw new Error('two tenants are needed')
    const customer = {
      name: 'n',
      email: 'e',
      phone: '1',
      street: 's',
      city: 'c',
      postcode: 'p',
      country: 'DE',
      status: 'active',
    }
    const asGone = async (tenant: string) => [
      await trial.ask('/customers', { tenant }),
      await trial.ask('/customers', { tenant, ...json('POST', customer) }),
      await trial.ask('/customers/00000000-0000-0000-0000-000000000000', { tenant }),
      await trial.ask('/admin/reports/revenue', {
        token: await trial.issuer.token({ tenant, scope: 'reporting' }),
      }),
    ]
    const refused = { status: 403, body: { code: 'WATERTIGHT_NO_TENANT' } }
    for (const answer of await asGone('gone')) expect(answer).toMatchObject(refused)
    expect((await trial.ask('/customers', { tenant: one.id })).status).toBe(200)
    if (tenancy === 'row-level-security') return
    const admin = await trial.platform.admin('isp')
    await admin.query(`DROP SCHEMA "${other.schema}" CASCADE`)
    for (const answer of (await asGone(other.id)).slice(0, 3)) expect(answer).toMatchObject(refused)
  },
  60_000,
)

test("a refusal whose line cannot be written is the service's error, and the operator is told of both", async () => {
  await using trial = await ServiceOnTrial.start()
  const [{ id: tenant } = { id: '' }] = trial.platform.tenants
  const admin = await trial.platform.admin('isp')
  await admin.query(
    `REVOKE INSERT ON audit_tenant_access FROM ${trial.platform.open.site.namespace.roles.app}`,
  )
  const asked = [
    '/customers/00000000-0000-0000-0000-000000000000',
    '/customers?tenant=other',
    '/admin/reports/revenue',
    '/customers',
  ]
  for (const path of asked) {
    expect(await trial.ask(path, { tenant }), path).toMatchObject({
      status: 500,
      body: { code: 'WATERTIGHT_INTERNAL' },
    })
  }
  const codes = trial.errors.map((error) =>
    (error as AggregateError).errors.map((each: { code: string }) => each.code),
  )
  expect(codes).toEqual([
    ['WATERTIGHT_NOT_FOUND', '42501'],
    ['WATERTIGHT_TENANT_MISMATCH', '42501'],
    ['WATERTIGHT_SCOPE', '42501'],
    ['42501', '42501'],
  ])
}, 60_000)
