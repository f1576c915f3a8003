import { expect, test } from 'vitest'
import { MigrationsOnTrial } from '../../testing/migrations-on-trial.ts'
import { openService } from './platform-service.ts'
import { standardRoles } from '../../dotmac/roles.ts'
import { Issuer } from '../../testing/service-on-trial.ts'

test('a tenant is served where the tenants table maps it, and nowhere else', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: 'schema-per-tenant' })
  await trial.register('plain', 'schema-per-tenant')
  // Each is mapped to names that follow from the other's id.
  await trial.management.query(`INSERT INTO dotmac_control.tenants
    (tenant_id, name, status, plan, schema_name, role_name, settings) VALUES
    ('one', 'one', 'active', 'starter', 'tenant_two', 'tenant_two_role', '{}'),
    ('two', 'two', 'active', 'starter', 'tenant_one', 'tenant_one_role', '{}')`)
  await trial.migrate('schema-per-tenant')
  await using issuer = await new Issuer().start()
  const errors: unknown[] = []
  const databases = { management: 'dotmac_management', isp: 'dotmac_isp' }
  const service = await openService(
    {
      address: { ...trial.server.address, user: 'dotmac_app', password: 'app' },
      roles: standardRoles,
      databases,
      tenancy: 'schema-per-tenant',
    },
    {
      jwks: issuer.jwks,
      issuer: 'https://issuer.example',
      audience: 'dotmac',
      hostname: '127.0.0.1',
      port: 0,
      variables: {},
      reporting: null,
      onError: (error) => errors.push(error),
    },
  )
  const ask = async (tenant: string, body?: object) =>
    fetch(`http://127.0.0.1:${service.port}/customers`, {
      headers: {
        authorization: `Bearer ${await issuer.token({ tenant })}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
  try {
    for (const tenant of ['one', 'two', 'plain']) {
      const customer = {
        name: tenant,
        email: 'e',
        phone: '1',
        street: 's',
        city: 'c',
        postcode: 'p',
        country: 'DE',
        status: 'active',
      }
      expect((await ask(tenant, customer)).status).toBe(201)
      const { items } = (await (await ask(tenant)).json()) as {
        items: { tenant_id: string; name: string }[]
      }
      expect(items.map((row) => [row.tenant_id, row.name])).toEqual([[tenant, tenant]])
    }
    expect((await ask('nobody')).status).toBe(403)
    const rows = await trial.isp
      .query(`SELECT (SELECT string_agg(tenant_id, ',') FROM tenant_two.isp_customers) AS one,
      (SELECT string_agg(DISTINCT tenant_id, ',') FROM tenant_two.audit_tenant_access) AS trail`)
    expect(rows).toEqual([{ one: 'one', trail: 'one' }])
    expect(errors).toMatchObject([{ code: 'WATERTIGHT_NO_TENANT' }])
  } finally {
    await service.close()
  }
}, 60_000)
