import { expect, test } from 'vitest'
import { standardRoles } from '../roles.ts'
import { ensureAuditPartitions } from '../audit/partitions.ts'
import { ensureAuditTriggers } from '../audit/triggers.ts'
import { MigrationsOnTrial } from '../../testing/migrations-on-trial.ts'
import { driftOf, tenantVersions, type TenantVersion } from './drift.ts'
import { expectedShape } from './expected-shape.ts'
import { mappedTenants } from './migrate.ts'

const tenancy = 'schema-per-tenant'

const byHand: readonly (readonly [string, RegExp])[] = [
  [
    'DROP INDEX tenant_globex.idx_isp_customers_tenant_email',
    /it lacks index idx_isp_customers_tenant_email/,
  ],
  [
    'ALTER TABLE tenant_globex.isp_services DROP CONSTRAINT isp_services_only_tenant',
    /it lacks constraint isp_services_only_tenant/,
  ],
  [
    'ALTER TABLE tenant_globex.isp_services ADD COLUMN extra int',
    /it has column isp_services.extra integer/,
  ],
  ['CREATE TABLE tenant_globex.kept (a int)', /it has column kept.a integer; it has table kept/],
  [
    'ALTER TABLE tenant_globex.isp_services DISABLE TRIGGER touch_updated_at',
    /touch_updated_at\(\), disabled/,
  ],
  [
    'GRANT SELECT (email) ON tenant_globex.isp_customers TO tenant_acme_role',
    /it has SELECT of tenant_acme_role on isp_customers.email/,
  ],
  [
    'GRANT USAGE ON SCHEMA tenant_globex TO tenant_acme_role',
    /it has USAGE of tenant_acme_role on the schema/,
  ],
  [
    'ALTER TABLE tenant_globex.isp_customers OWNER TO tenant_globex_role',
    /it has table isp_customers of the role/,
  ],
  [
    'CREATE OR REPLACE VIEW tenant_globex.isp_customer_overview AS SELECT * FROM tenant_acme.isp_customer_overview',
    /it has view isp_customer_overview/,
  ],
  [
    'GRANT EXECUTE ON FUNCTION tenant_globex.touch_updated_at() TO PUBLIC',
    /it has EXECUTE of PUBLIC/,
  ],
  ['DELETE FROM dotmac_migrations.tenant_globex WHERE version = 1', /^is at version 0, not 1$/],
]

test('what was changed by hand is named, in one schema, in the only one and in all, and nothing else is', async () => {
  await using trial = await MigrationsOnTrial.start()
  const { isp, management } = trial
  await trial.migrate(tenancy)
  const register = async (...ids: string[]) => {
    for (const id of ids) await trial.register(id, tenancy)
    await trial.migrate(tenancy)
  }
  const expected = () => expectedShape(isp, { service: 'isp', version: 1, roles: standardRoles })
  const drift = async (against?: Awaited<ReturnType<typeof expected>>) =>
    driftOf(await tenantVersions(isp, 'isp', await mappedTenants(management, tenancy)), against)
  await register('globex')
  await isp.query('BEGIN; DROP INDEX tenant_globex.idx_isp_customers_tenant_email')
  const [only] = driftOf(await tenantVersions(isp, 'isp', await mappedTenants(management, tenancy)))
  expect(only).toBe(undefined)
  await isp.query('COMMIT')
  expect(await drift(await expected())).toMatchObject([
    {
      tenant: 'globex',
      sentence: expect.stringMatching(
        /^does not look like version 1: it lacks index idx_isp_customers_tenant_email/,
      ) as string,
    },
  ])
  await isp.query(
    'CREATE INDEX idx_isp_customers_tenant_email ON tenant_globex.isp_customers (email)',
  )
  await register('acme', "o'hara", 'back\\slash', 'Ключ $$')
  expect(await drift()).toEqual([])
  for (const [sql, sentence] of byHand) {
    await isp.query(`BEGIN; ${sql}`)
    const found = await drift()
    expect([sql, found.map(({ tenant }) => tenant)]).toEqual([sql, ['globex']])
    expect(found[0]?.sentence).toMatch(sentence)
    await isp.query('ROLLBACK')
  }
  const shape = await expected()
  await ensureAuditPartitions(isp, { schema: 'tenant_acme', now: new Date(), ahead: 1 })
  await ensureAuditTriggers(isp, {
    schema: 'tenant_acme',
    enabled: false,
    owner: standardRoles.owner,
  })
  expect([await drift(), await drift(shape)]).toEqual([[], []])
  expect((await isp.query("SELECT 1 FROM pg_roles WHERE rolname ~ '^expected'")).length).toBe(0)
  await trial.register('umbrella', tenancy)
  expect((await drift(shape)).map(({ tenant, sentence }) => [tenant, sentence])).toEqual([
    ['umbrella', 'has no schema'],
  ])
}, 120_000)

test('a change that all have is drift from what is expected, and its lines are told for each', () => {
  const all = ['one', 'other'].map((tenant, index): TenantVersion => ({
    tenant,
    service: 'isp',
    version: 1,
    shape: 'odd',
    ...(index === 0 ? { lines: ['same', 'odd'] } : {}),
  }))
  expect(driftOf(all)).toEqual([])
  const sentence = 'does not look like version 1: it lacks usual; it has odd'
  expect(driftOf(all, { version: 1, shape: 'usual', lines: ['same', 'usual'] })).toEqual(
    ['one', 'other'].map((tenant) => ({ tenant, service: 'isp', sentence })),
  )
})
