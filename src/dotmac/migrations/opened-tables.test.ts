import { expect, test } from 'vitest'
import { MigrationsOnTrial } from '../../testing/migrations-on-trial.ts'
import type { Session } from '../../postgres/session/session.ts'
import { standardRoles } from '../roles.ts'
import { tenantNames } from '../tenant-names.ts'
import { platformPlace, tenantPlace } from './places.ts'
import { runGuarded } from './run-guards.ts'

const rls = 'row-level-security'
const schema = 'schema-per-tenant'
const usual = 'tenant_isolation_select'

/** What a later migration does to a table of the platform, and what the refusal says of it. */
const inShared: readonly (readonly [string, RegExp])[] = [
  [
    'ALTER TABLE isp_customers DISABLE ROW LEVEL SECURITY',
    /isp_customers: a guard had to put back .*in force/,
  ],
  [
    'ALTER TABLE isp_customers NO FORCE ROW LEVEL SECURITY',
    /isp_customers: a guard had to put back .*in force/,
  ],
  [
    'ALTER TABLE isp_customers OWNER TO dotmac_app',
    /isp_customers: a guard had to put back .*dotmac_owner/,
  ],
  [`DROP POLICY ${usual} ON isp_customers`, /lacks the policy/],
  [`ALTER POLICY ${usual} ON isp_customers USING (true)`, /says true/],
  [`ALTER POLICY ${usual} ON isp_customers TO dotmac_admin`, new RegExp(`the policy ${usual}`)],
  [
    'CREATE POLICY support ON isp_customers FOR SELECT USING (true)',
    /the permissive policy support/,
  ],
  ['GRANT SELECT ON isp_customers TO PUBLIC', /PUBLIC has SELECT/],
  ['GRANT UPDATE (status) ON isp_customers TO PUBLIC', /PUBLIC has UPDATE/],
  ['GRANT TRUNCATE ON isp_customers TO dotmac_app', /dotmac_app has TRUNCATE/],
  ['ALTER TABLE isp_customers RENAME tenant_id TO belongs_to', /no tenant_id/],
  [
    'ALTER TABLE isp_customers DROP CONSTRAINT isp_customers_tenant_id_check',
    /nothing checks that/,
  ],
  ['CREATE UNIQUE INDEX one_email ON isp_customers (email)', /the key one_email/],
  ['DROP INDEX idx_isp_customers_tenant_id', /no index idx_isp_customers_tenant_id/],
  [
    'GRANT SELECT ON isp_analytics_usage_p0 TO dotmac_app',
    /dotmac_app has SELECT on its partition/,
  ],
  ['ALTER TABLE isp_analytics_usage_p0 DISABLE ROW LEVEL SECURITY', /put back .*secured partition/],
  [
    'ALTER TABLE isp_customers ALTER tenant_id SET DEFAULT $$acme$$',
    /tenant_id is 'acme'.* where a row does not say/,
  ],
  [
    'CREATE TABLE names (name varchar(255)); ALTER TABLE isp_customers INHERIT names; GRANT SELECT ON names TO PUBLIC' +
      ';\n-- guard: sharedTable(names)\n',
    /isp_customers has rows of tenants and inherits from it/,
  ],
  [
    `CREATE TABLE heir () INHERITS (isp_reference_plans);
-- guard: ensureTenantColumn(heir)
-- guard: ensureTenantIndexes(heir)
-- guard: validateTenantIsolation(heir)\n`,
    /isp_reference_plans refuse: heir has rows of tenants and inherits from it/,
  ],
  [
    'CREATE TABLE notes (about varchar(255) REFERENCES isp_tenants (tenant_id));\n-- guard: sharedTable(notes)\n',
    /isp_tenants has rows of tenants and is referred to/,
  ],
  [
    'GRANT INSERT ON isp_reference_plans TO dotmac_app',
    /dotmac_app has INSERT on a table without tenants/,
  ],
  [
    'CREATE VIEW every AS SELECT * FROM isp_customers; GRANT SELECT ON every TO dotmac_app',
    /the view every: it reads .* with the rights of postgres.* and dotmac_app has/,
  ],
  [
    'CREATE VIEW every AS SELECT count(*) FROM isp_customer_overview; GRANT SELECT ON every TO PUBLIC',
    /the view every: .* and PUBLIC has/,
  ],
  [
    'ALTER VIEW isp_customer_overview RESET (security_invoker); ALTER VIEW isp_customer_overview OWNER TO postgres',
    /the view isp_customer_overview: .* rights of postgres/,
  ],
  [
    'CREATE VIEW low AS SELECT * FROM isp_customers; CREATE VIEW every AS SELECT * FROM low; GRANT SELECT ON low TO ' +
      'dotmac_owner; ALTER VIEW every OWNER TO dotmac_owner; GRANT SELECT ON every TO dotmac_app',
    /the view every: /,
  ],
  [
    'CREATE MATERIALIZED VIEW stored AS SELECT * FROM isp_customers; GRANT SELECT (name) ON stored TO dotmac_app',
    /the view stored: policies do not filter/,
  ],
  [
    'GRANT SELECT ON isp_analytics_monthly TO dotmac_app',
    /the view isp_analytics_monthly: policies do not filter/,
  ],
  [
    "DO $$ BEGIN EXECUTE 'ALTER TABLE isp_services DISABLE ROW LEVEL SECURITY'; END $$",
    /isp_services: a guard/,
  ],
]

const inOwn: readonly (readonly [string, RegExp])[] = [
  [
    'CREATE TABLE tenant_globex.more (a int);\n-- guard: ensureTenantColumn(tenant_globex.more)\n',
    /its schema tenant_globex is not that of the tenant/,
  ],
  [
    'GRANT SELECT ON tenant_acme.isp_customers TO tenant_globex_role',
    /tenant_globex_role has SELECT/,
  ],
  [
    'GRANT SELECT ON tenant_globex.isp_customers TO tenant_acme_role',
    /opens the table tenant_globex.isp_customers: /,
  ],
  [
    'ALTER TABLE tenant_acme.isp_customers DROP CONSTRAINT isp_customers_only_tenant',
    /nothing checks that/,
  ],
  [
    'GRANT INSERT ON dotmac_shared.isp_reference_plans TO tenant_acme_role',
    /has INSERT on a table without tenants/,
  ],
  [
    'CREATE VIEW tenant_acme.both AS SELECT * FROM tenant_globex.isp_customers',
    /rows of the schema tenant_globex/,
  ],
  [
    'GRANT SELECT ON tenant_acme.isp_customer_overview TO tenant_globex_role',
    /overview: tenant_globex_role has/,
  ],
  [
    'GRANT SELECT ON dotmac_control.isp_tenants TO tenant_acme_role',
    /dotmac_control.isp_tenants: /,
  ],
]

test('a later migration that opens a table of shared tables fails and says how', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: rls })
  const place = platformPlace(rls, { service: 'isp', roles: standardRoles })
  for (const [sql, sentence] of inShared)
    expect([sql, await refusal(trial.isp, place, sql)]).toEqual([
      sql,
      expect.stringMatching(sentence),
    ])
}, 120_000)

test('a view over the schemas of tenants that the application reads is refused to the platform too', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: schema })
  await trial.register('acme', schema)
  await trial.migrate(schema)
  const place = platformPlace(schema, { service: 'isp', roles: standardRoles })
  const sql =
    'CREATE VIEW dotmac_shared.every AS SELECT * FROM tenant_acme.isp_customers; ' +
    'ALTER VIEW dotmac_shared.every OWNER TO dotmac_owner'
  expect(await refusal(trial.isp, place, sql)).toBe(null)
  expect(
    await refusal(trial.isp, place, `${sql}; GRANT SELECT ON dotmac_shared.every TO dotmac_app`),
  ).toMatch(/the view every: it reads tenants' rows with the rights of dotmac_owner/)
}, 60_000)

test('a later migration of one tenant that opens a table of a schema fails and says how', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: schema })
  for (const id of ['acme', 'globex']) await trial.register(id, schema)
  await trial.migrate(schema)
  const place = tenantPlace(
    { id: 'acme', ...tenantNames('acme') },
    { service: 'isp', roles: standardRoles },
  )
  for (const [sql, sentence] of inOwn)
    expect([sql, await refusal(trial.isp, place, sql)]).toEqual([
      sql,
      expect.stringMatching(sentence),
    ])
}, 120_000)

test('a later migration that changes a table and leaves it isolated passes without guard lines', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: rls })
  const place = platformPlace(rls, { service: 'isp', roles: standardRoles })
  for (const sql of [
    'ALTER TABLE isp_customers ADD COLUMN note text',
    'CREATE INDEX more ON isp_customers (tenant_id, city)',
    'ALTER TABLE isp_customers ADD CONSTRAINT named CHECK (name <> $$$$)',
    'ALTER TABLE isp_customers RENAME city TO town',
    'CREATE POLICY narrower ON isp_customers AS RESTRICTIVE FOR SELECT USING (status <> $$gone$$)',
    'REVOKE DELETE ON isp_customers FROM dotmac_app',
    'DROP TABLE isp_analytics_daily CASCADE',
    'CREATE UNIQUE INDEX one_email ON isp_customers (tenant_id, email)',
    'GRANT SELECT ON isp_reference_plans TO PUBLIC',
    'CREATE TABLE notes (about varchar(255) REFERENCES isp_tenants (tenant_id));\n-- guard: platformTable(notes)\n',
    `CREATE VIEW mine WITH (security_invoker = true) AS SELECT * FROM isp_customers;
      GRANT SELECT ON mine TO dotmac_app`,
    'CREATE VIEW mine AS SELECT * FROM isp_customers; ALTER VIEW mine OWNER TO dotmac_owner; GRANT SELECT ON mine TO ' +
      'dotmac_app',
    'CREATE VIEW mine AS SELECT * FROM isp_reference_plans; GRANT SELECT ON mine TO PUBLIC',
    'CREATE MATERIALIZED VIEW mine AS SELECT * FROM isp_customers; GRANT SELECT ON mine TO dotmac_admin',
    'ALTER TABLE isp_customers DISABLE ROW LEVEL SECURITY;\n-- guard: validateTenantIsolation(isp_customers)\n',
  ])
    expect([sql, await refusal(trial.isp, place, sql)]).toEqual([sql, null])
  const opening = 'ALTER TABLE isp_customers NO FORCE ROW LEVEL SECURITY'
  expect(await refusal(trial.isp, { ...place, requireTenantColumn: false }, opening)).toBe(null)
}, 60_000)

/** What the guards say of a script, which is undone; null when they let it pass. */
async function refusal(
  session: Session,
  place: Pick<Parameters<typeof runGuarded>[1], 'schemas' | 'scope' | 'requireTenantColumn'>,
  script: string,
): Promise<string | null> {
  await session.query('BEGIN')
  try {
    await runGuarded(session, { ...place, migration: '002.do.more.sql', script })
    return null
  } catch (error) {
    return String((error as Error).message)
  } finally {
    await session.query('ROLLBACK')
  }
}
