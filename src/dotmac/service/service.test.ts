import { expect, test } from 'vitest'
import { literal } from '../../sql/identifier.ts'
import { ServiceOnTrial } from '../../testing/service-on-trial.ts'

const items = ({ body }: { body: Record<string, unknown> }) =>
  body['items'] as Record<string, string>[]
const json = (method: string, body: object) => ({
  method,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
})

const tenancies = ['row-level-security', 'schema-per-tenant'] as const

test.each(tenancies)(
  'a tenant lists, pages, makes, changes and deletes its own rows only, %s',
  async (tenancy) => {
    await using trial = await ServiceOnTrial.start({ tenancy })
    for (const { id: tenant, schema } of trial.platform.tenants) {
      const seen: string[] = []
      for (let cursor: unknown = ''; cursor !== null;) {
        const page = await trial.ask(
          `/customers?limit=7${cursor === '' ? '' : `&cursor=${String(cursor)}`}`,
          { tenant },
        )
        expect(page.status).toBe(200)
        expect(items(page).filter((row) => row['tenant_id'] !== tenant)).toEqual([])
        seen.push(...items(page).map((row) => row['id'] ?? ''))
        cursor = page.body['next']
      }
      const admin = await trial.platform.admin('isp')
      const at = tenancy === 'row-level-security' ? 'public' : `"${schema}"`
      const rows = await admin.query(
        `SELECT id FROM ${at}.isp_customers WHERE tenant_id = ${literal(tenant)}`,
      )
      expect(seen.toSorted()).toEqual(rows.map((row) => row['id']).toSorted())
      expect(new Set(seen).size).toBe(seen.length)
    }
    const [{ id: tenant } = { id: '' }] = trial.platform.tenants
    const made = await trial.ask('/customers', {
      tenant,
      ...json('POST', {
        name: 'N',
        email: 'n@example.org',
        phone: '1',
        street: 's',
        city: 'c',
        postcode: 'p',
        country: 'DE',
        status: 'active',
      }),
    })
    expect([made.status, made.body['tenant_id']]).toEqual([201, tenant])
    const path = `/customers/${String(made.body['id'])}`
    expect(
      (await trial.ask(path, { tenant, ...json('PATCH', { city: 'elsewhere' }) })).body['city'],
    ).toBe('elsewhere')
    expect((await trial.ask(path, { tenant, method: 'DELETE' })).status).toBe(200)
    expect((await trial.ask(path, { tenant })).status).toBe(404)
    expect(trial.errors).toEqual([])
  },
  60_000,
)

test.each(tenancies)(
  'a foreign id is answered exactly as one that nobody has, %s',
  async (tenancy) => {
    await using trial = await ServiceOnTrial.start({ tenancy })
    const [one = '', other = ''] = trial.platform.tenants.map(({ id }) => id)
    const foreign = items(await trial.ask('/customers', { tenant: other }))[0]?.['id'] ?? ''
    const nobody = '00000000-0000-4000-8000-000000000000'
    for (const init of [{}, { method: 'DELETE' }, json('PATCH', { city: 'taken' })]) {
      const [theirs, none] = [
        await trial.ask(`/customers/${foreign}`, { tenant: one, ...init }),
        await trial.ask(`/customers/${nobody}`, { tenant: one, ...init }),
      ]
      expect(theirs.status).toBe(404)
      expect(theirs.text).toBe(none.text)
      const plain = (headers: Headers) =>
        [...(headers as unknown as Iterable<[string, string]>)].filter(([name]) => name !== 'date')
      expect(plain(theirs.headers)).toEqual(plain(none.headers))
    }
    expect((await trial.ask(`/customers/${foreign}`, { tenant: other })).body['city']).not.toBe(
      'taken',
    )
  },
  60_000,
)

test("a tenant in the query, a header or the body that is not the token's is refused and recorded", async () => {
  await using trial = await ServiceOnTrial.start()
  const [one = '', other = ''] = trial.platform.tenants.map(({ id }) => id)
  const asked = [
    trial.ask(`/customers?tenant_id=${encodeURIComponent(other)}`, { tenant: one }),
    trial.ask('/customers', { tenant: one, headers: { 'x-tenant-id': other } }),
    trial.ask('/customers', { tenant: one, ...json('POST', { tenant_id: other, name: 'n' }) }),
  ]
  for (const answer of await Promise.all(asked)) {
    expect(answer).toMatchObject({ status: 403, body: { code: 'WATERTIGHT_TENANT_MISMATCH' } })
    expect(answer.text).not.toContain(other)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
  }
  const admin = await trial.platform.admin('isp')
  const trail =
    await admin.query(`SELECT tenant_id, user_id, table_name, success FROM audit_tenant_access
    WHERE user_id = 'user@example.org' AND NOT success`)
  const line = {
    tenant_id: one,
    user_id: 'user@example.org',
    success: 'f',
    table_name: `isp_customers of ${JSON.stringify(other)}`,
  }
  expect(trail).toEqual([line, line, line])
  expect(
    (await trial.ask(`/customers?tenant_id=${encodeURIComponent(one)}`, { tenant: one })).status,
  ).toBe(200)
}, 60_000)

test("tokens that are missing, expired, for others, unsigned or of another tenant's making are refused", async () => {
  await using trial = await ServiceOnTrial.start()
  const { issuer } = trial
  const tenant = trial.platform.tenants[0]?.id ?? ''
  const good = await issuer.token({ tenant })
  const [header = '', payload = '', signature = ''] = good.split('.')
  const other = Buffer.from(
    JSON.stringify({
      ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object),
      tenant_id: trial.platform.tenants[1]?.id,
    }),
  ).toString('base64url')
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  const bad: readonly (readonly [string, string])[] = [
    ['EXPIRED', await issuer.token({ tenant, expiresIn: '-1m' })],
    ['INVALID', await issuer.token({ tenant, audience: 'x' })],
    ['INVALID', await issuer.token({})],
    ['INVALID', await issuer.token({ tenant: 7 })],
    ['INVALID', `${header}.${other}.${signature}`],
    ['INVALID', `${none}.${payload}.${signature}`],
    ['MISSING', `${none}.${payload}.`],
    ['MISSING', 'nonsense'],
  ]
  for (const [kind, token] of bad) {
    const answer = await trial.ask('/customers', { token })
    expect(answer, token).toMatchObject({ status: 401, body: { code: `WATERTIGHT_TOKEN_${kind}` } })
    expect(answer.text).not.toContain(signature)
  }
  expect(await trial.ask('/customers', { tenant: null })).toMatchObject({ status: 401 })
  expect(
    await trial.ask('/customers', { token: await issuer.token({ tenant: '' }) }),
  ).toMatchObject({ status: 401 })
  expect((await trial.ask('/customers', { token: good })).status).toBe(200)
}, 60_000)

test('keys rotate: a new one is fetched when it is met, an old one is refused when it is gone', async () => {
  await using trial = await ServiceOnTrial.start({
    verifier: { jwksCooldownMs: 0, jwksMaxAgeMs: 300 },
  })
  const tenant = trial.platform.tenants[0]?.id ?? ''
  const old = await trial.issuer.token({ tenant })
  expect((await trial.ask('/customers', { token: old })).status).toBe(200)
  await trial.issuer.add('second')
  const token = await trial.issuer.token({ tenant, kid: 'second' })
  expect((await trial.ask('/customers', { token })).status).toBe(200)
  trial.issuer.keys.delete('first')
  await expect
    .poll(async () => (await trial.ask('/customers', { token: old })).status, { timeout: 5_000 })
    .toBe(401)
  expect((await trial.ask('/customers', { token })).status).toBe(200)
}, 60_000)

test('nonsense is refused with a code, and breaks nothing', async () => {
  await using trial = await ServiceOnTrial.start()
  const tenant = trial.platform.tenants[0]?.id ?? ''
  const answers = await Promise.all([
    trial.ask('/customers?limit=0', { tenant }),
    trial.ask('/customers?limit=1e9', { tenant }),
    trial.ask('/customers?cursor=nonsense', { tenant }),
    trial.ask("/customers/1'%20OR%20'1'='1", { tenant }),
    trial.ask('/customers', { tenant, ...json('POST', {}), body: '{' }),
    trial.ask('/customers', { tenant, ...json('POST', { id: 'x' }) }),
    trial.ask('/customers', { tenant, ...json('POST', { name: 'only' }) }),
    trial.ask('/nothing', { tenant }),
    trial.ask('/customers', { tenant, ...json('POST', { name: 'x'.repeat(70_000) }) }),
    trial.ask('/usage?from=never', { tenant }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([
    400, 400, 400, 404, 400, 400, 422, 404, 413, 400,
  ])
  expect(answers.every(({ body }) => /^WATERTIGHT_/.test(String(body['code'])))).toBe(true)
  expect((await trial.ask('/usage', { tenant })).status).toBe(200)
  expect(trial.errors).toEqual([])
}, 60_000)
