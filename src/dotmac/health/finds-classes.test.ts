import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import type { HealthSubject } from './health-check.ts'
import { validateTenantIsolationHealth } from './tenant-isolation-health.ts'

type Case = readonly [
  what: string,
  plant: string,
  undo: string,
  check: string | null,
  sentence?: RegExp,
]

const [policies, indexes, queries] = [
  'validateRlsPolicies',
  'validateTenantIndexes',
  'validateCrossTenantQueries',
]
const leaks = 'validateTenantContextLeaks'
const own = 'tenant_id = (SELECT current_tenant_id())'
const select = 'POLICY tenant_isolation_select ON isp_network_ports'

/** What is planted, how it is taken back, and the check that must find it; null for a correct shape. */
const shared: readonly Case[] = [
  [
    'TRUNCATE is granted',
    'GRANT TRUNCATE ON isp_network_links TO dotmac_app',
    'REVOKE TRUNCATE ON isp_network_links FROM dotmac_app',
    policies,
    /may use TRUNCATE on public\.isp_network_links/,
  ],
  [
    'reference data can be written',
    'GRANT UPDATE (title) ON isp_reference_plans TO dotmac_app',
    'REVOKE UPDATE (title) ON isp_reference_plans FROM dotmac_app',
    policies,
    /which all tenants read/,
  ],
  [
    'future tables are open',
    'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO dotmac_app',
    'ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM dotmac_app',
    policies,
    /future table/,
  ],
  [
    'the application may become a role beyond row security',
    'CREATE ROLE health_batch BYPASSRLS; GRANT health_batch TO dotmac_app',
    'DROP ROLE health_batch',
    policies,
    /can become health_batch, which is beyond row security/,
  ],
  [
    'policies speak of another role',
    `DROP ${select}; CREATE ${select} FOR SELECT TO dotmac_owner USING (${own})`,
    `DROP ${select}; CREATE ${select} FOR SELECT USING (${own})`,
    policies,
    /isp_network_ports: no policy for SELECT/,
  ],
  [
    'a restrictive policy alone denies',
    `DROP ${select}; CREATE ${select} AS RESTRICTIVE FOR SELECT USING (${own})`,
    `DROP ${select}; CREATE ${select} FOR SELECT USING (${own})`,
    queries,
    /does not see its own rows/,
  ],
  [
    'a context is taken for a pattern',
    `ALTER ${select} USING (tenant_id LIKE (SELECT current_tenant_id()))`,
    `ALTER ${select} USING (${own})`,
    policies,
    /lets rows of another tenant through/,
  ],
  [
    'a key leaves out the tenant',
    'CREATE UNIQUE INDEX health_key ON isp_customers (lower(email), (tenant_id || name))',
    'DROP INDEX health_key',
    indexes,
    /health_key is unique without tenant_id/,
  ],
  [
    'a foreign key leaves out the tenant',
    `ALTER TABLE isp_customers ADD CONSTRAINT health_only_id UNIQUE (id);
    ALTER TABLE isp_services ADD CONSTRAINT health_reference FOREIGN KEY (customer_id) REFERENCES isp_customers (id)`,
    'ALTER TABLE isp_customers DROP CONSTRAINT health_only_id CASCADE',
    indexes,
    /health_reference to public\.isp_customers does not contain tenant_id/,
  ],
  [
    'a view shows everybody',
    `CREATE VIEW health_view WITH (security_barrier) AS SELECT number, total
    FROM isp_billing_invoices; GRANT SELECT ON health_view TO dotmac_app`,
    'DROP VIEW health_view',
    queries,
    /health_view: shows rows to a tenant that does not exist/,
  ],
  [
    'a view has no barrier',
    `CREATE VIEW health_view AS SELECT tenant_id, email FROM isp_customers WHERE ${own};
    GRANT SELECT ON health_view TO dotmac_app`,
    'DROP VIEW health_view',
    queries,
    /health_view: .*no security_barrier/,
  ],
  [
    'a materialized view is granted',
    `CREATE MATERIALIZED VIEW health_rollup AS SELECT city, count(*) FROM isp_customers
    GROUP BY 1; GRANT SELECT ON health_rollup TO dotmac_app`,
    'DROP MATERIALIZED VIEW health_rollup',
    queries,
    /health_rollup: shows rows/,
  ],
  [
    'a copy lost the tenant',
    `CREATE TABLE "health.copy" AS SELECT email AS mail FROM isp_customers;
    GRANT SELECT ON "health.copy" TO dotmac_app`,
    'DROP TABLE "health.copy"',
    queries,
    /health\.copy: shows rows/,
  ],
  [
    "a definer function follows the caller's path",
    `CREATE FUNCTION health_all() RETURNS bigint LANGUAGE sql
    SECURITY DEFINER AS 'SELECT count(*) FROM isp_customers'`,
    'DROP FUNCTION health_all()',
    policies,
    /health_all\(\): runs .* caller's search_path/,
  ],
  [
    'the application starts as a tenant',
    `ALTER ROLE dotmac_app SET app.current_tenant_id = 'acme-corp-123'`,
    'ALTER ROLE dotmac_app RESET app.current_tenant_id',
    leaks,
    /dotmac_app has app\.current_tenant_id=acme-corp-123/,
  ],
  [
    'the database starts as a tenant',
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET app.current_tenant_id = ''t''',
    current_database()); END $$`,
    `DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I RESET ALL', current_database()); END $$`,
    leaks,
    /the database has app\.current_tenant_id=t/,
  ],
  [
    'the context is empty by default',
    `ALTER ROLE dotmac_app SET app.current_tenant_id = ''`,
    'ALTER ROLE dotmac_app RESET app.current_tenant_id',
    null,
  ],
  [
    'the predicate is narrowed',
    `ALTER ${select} USING (${own} AND is_active IS NOT NULL)`,
    `ALTER ${select} USING (${own})`,
    null,
  ],
  [
    'a floor lies beneath an open policy',
    `CREATE POLICY health_floor ON isp_services AS RESTRICTIVE USING (${own});
    CREATE POLICY health_open ON isp_services USING (true)`,
    'DROP POLICY health_floor ON isp_services; DROP POLICY health_open ON isp_services',
    null,
  ],
  [
    'a reference table is read',
    `CREATE TABLE health_vat AS SELECT 'PT' AS code, 23 AS rate;
    GRANT SELECT ON health_vat TO dotmac_app`,
    'DROP TABLE health_vat',
    null,
  ],
  [
    'a view runs with the rights of the caller',
    `CREATE VIEW health_view WITH (security_invoker) AS SELECT number, total
    FROM isp_billing_invoices; GRANT SELECT ON health_view TO dotmac_app`,
    'DROP VIEW health_view',
    null,
  ],
]

const separate: readonly Case[] = [
  [
    "a view reads another tenant's schema",
    `CREATE VIEW tenant_acme_corp_123.health_view AS
    SELECT email FROM tenant_globex_456.isp_customers; GRANT SELECT ON tenant_acme_corp_123.health_view
    TO tenant_acme_corp_123_role`,
    'DROP VIEW tenant_acme_corp_123.health_view',
    policies,
    /tenant_acme_corp_123\.health_view reaches into tenant_globex_456/,
  ],
  [
    'a union lies in the shared schema',
    `CREATE VIEW dotmac_shared.health_view AS SELECT * FROM
    tenant_acme_corp_123.isp_services UNION ALL SELECT * FROM tenant_globex_456.isp_services;
    GRANT SELECT ON dotmac_shared.health_view TO PUBLIC`,
    'DROP VIEW dotmac_shared.health_view',
    queries,
    /health_view: shows rows of another tenant/,
  ],
  [
    'a tenant may become another',
    'GRANT tenant_globex_456_role TO tenant_acme_corp_123_role',
    'REVOKE tenant_globex_456_role FROM tenant_acme_corp_123_role',
    policies,
    /another tenant's role/,
  ],
  [
    'one column is open to everybody',
    'GRANT SELECT (email) ON tenant_globex_456.isp_customers TO PUBLIC',
    'REVOKE SELECT (email) ON tenant_globex_456.isp_customers FROM PUBLIC',
    policies,
    /open to PUBLIC/,
  ],
  [
    'a tenant creates in the shared schema',
    'GRANT CREATE ON SCHEMA dotmac_shared TO tenant_acme_corp_123_role',
    'REVOKE CREATE ON SCHEMA dotmac_shared FROM tenant_acme_corp_123_role',
    policies,
    /may create objects in/,
  ],
  [
    'rows of another tenant may come in',
    'ALTER TABLE tenant_globex_456.isp_services DROP CONSTRAINT isp_services_only_tenant',
    `ALTER TABLE tenant_globex_456.isp_services ADD CONSTRAINT isp_services_only_tenant
    CHECK (tenant_id = 'globex-456')`,
    policies,
    /isp_services: nothing keeps rows of another tenant out/,
  ],
  [
    'an earlier tenant left a table',
    `CREATE TABLE tenant_globex_456.health_old AS
    SELECT * FROM tenant_acme_corp_123.isp_customers; GRANT SELECT ON tenant_globex_456.health_old
    TO tenant_globex_456_role`,
    'DROP TABLE tenant_globex_456.health_old',
    queries,
    /health_old: shows rows/,
  ],
  [
    'a tenant owns its schema',
    'ALTER SCHEMA tenant_acme_corp_123 OWNER TO tenant_acme_corp_123_role',
    // The grant that it had went into its ownership.
    `ALTER SCHEMA tenant_acme_corp_123 OWNER TO dotmac_owner;
    GRANT USAGE ON SCHEMA tenant_acme_corp_123 TO tenant_acme_corp_123_role`,
    null,
  ],
  [
    'a reference table of its own',
    `CREATE TABLE tenant_acme_corp_123.health_notes AS SELECT 1 AS n;
    GRANT SELECT ON tenant_acme_corp_123.health_notes TO tenant_acme_corp_123_role`,
    'DROP TABLE tenant_acme_corp_123.health_notes',
    null,
  ],
]

test.each([
  ['row-level-security', shared],
  ['schema-per-tenant', separate],
] as const)(
  'each class is found by its check and correct shapes are not, %s',
  async (tenancy, cases) => {
    await using platform = await PlatformOnTrial.start({ tenancy, services: ['isp'] })
    const admin = await platform.admin('isp')
    const subject: HealthSubject = {
      service: 'isp',
      tenancy,
      roles: platform.open.site.namespace.roles,
      admin,
      pool: platform.pool('isp', { max: 1 }),
      tenants: platform.tenants,
      asked: 2,
    }
    for (const [what, plant, undo, check, sentence] of cases) {
      await admin.query(plant)
      const { checks } = await validateTenantIsolationHealth(subject)
      await admin.query(undo)
      if (check === null) expect([what, checks.filter(({ ok }) => !ok)]).toEqual([what, []])
      else {
        const findings = checks.find(({ name }) => name === check)?.findings ?? []
        expect([what, findings]).toEqual([
          what,
          expect.arrayContaining([expect.stringMatching(sentence ?? /./)]),
        ])
      }
    }
  },
  180_000,
)

test('what cannot be judged from here is said and is not healthy', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'] })
  const admin = await platform.admin('isp')
  await admin.query(`CREATE FUNCTION health_count() RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM public.isp_customers'`)
  await admin.query(`ALTER POLICY tenant_isolation_select ON isp_network_devices USING (EXISTS (
    SELECT FROM isp_tenants t WHERE t.tenant_id = isp_network_devices.tenant_id))`)
  const { ok, checks } = await validateTenantIsolationHealth({
    service: 'isp',
    tenancy: 'row-level-security',
    admin,
    roles: platform.open.site.namespace.roles,
    pool: platform.pool('isp', { max: 1 }),
    tenants: platform.tenants,
  })
  expect(ok).toBe(false)
  expect(checks.flatMap(({ findings }) => findings)).toEqual([])
  expect(checks.flatMap(({ unjudged }) => unjudged)).toEqual([
    expect.stringContaining('isp_network_devices: the policy'),
    expect.stringContaining('health_count()'),
  ])
}, 60_000)
