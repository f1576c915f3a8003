import { expect, test } from 'vitest'
import type { Tenant } from '../../model/tenant.ts'
import { standardRoles } from '../roles.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { ensureTenantColumn } from './ensure-tenant-column.ts'
import { ensureTenantIndexes } from './ensure-tenant-indexes.ts'
import { validateTenantIsolation } from './validate-tenant-isolation.ts'

const scope = { schema: 'public', roles: standardRoles }

test('guards add what is missing, say so, do nothing twice, and the table is then tight', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const admin = await platform.admin('isp')
  await admin.query(
    'CREATE TABLE public.new_service (name text, type text, created_at timestamptz DEFAULT now())',
  )
  await admin.query('BEGIN')
  const all = async () =>
    [
      await ensureTenantColumn(admin, 'new_service', scope),
      await ensureTenantIndexes(admin, 'new_service', { scope, columns: ['name', 'type'] }),
      await validateTenantIsolation(admin, 'new_service', scope),
    ].map(({ did }) => did)
  const [column, indexes, isolation] = await all()
  expect(column).toEqual(['added tenant_id', 'forbade the empty tenant_id'])
  expect(indexes).toEqual([
    'created idx_new_service_tenant_id (tenant_id)',
    'created idx_new_service_tenant_created (tenant_id, created_at)',
    'created idx_new_service_tenant_name (tenant_id, name)',
    'created idx_new_service_tenant_type (tenant_id, type)',
  ])
  expect(isolation).toContain('created the four policies')
  expect(await all()).toEqual([[], [], []])
  await admin.query('COMMIT')
  const [one, other] = platform.tenants.map(({ id }) => id)
  const pool = platform.pool('isp')
  const as = async (tenant: string | undefined, sql: string) => {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      await client.query("SELECT set_config('app.current_tenant_id', $1, true)", [tenant])
      const { rowCount } = await client.query(sql)
      await client.query('COMMIT')
      return rowCount
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  }
  expect(
    await as(one, `INSERT INTO new_service (tenant_id, name) VALUES ('${one ?? ''}', 'mine')`),
  ).toBe(1)
  expect(await as(other, 'SELECT * FROM new_service')).toBe(0)
  await expect(
    as(other, `INSERT INTO new_service (tenant_id) VALUES ('${one ?? ''}')`),
  ).rejects.toMatchObject({ code: '42501' })
}, 60_000)

const wrong: readonly (readonly [string, string, RegExp])[] = [
  [
    'a permissive policy of its own',
    'CREATE POLICY all_of_it ON public.isp_services USING (true)',
    /all_of_it is not/,
  ],
  [
    'a policy that was changed',
    'ALTER POLICY tenant_isolation_select ON public.isp_services USING (true)',
    /tenant_isolation_select says true/,
  ],
  [
    'a policy that is missing',
    'DROP POLICY tenant_isolation_delete ON public.isp_services',
    /lacks the policy/,
  ],
  ['a grant to PUBLIC', 'GRANT SELECT ON public.isp_services TO PUBLIC', /PUBLIC has SELECT/],
  [
    'TRUNCATE for the application',
    'GRANT TRUNCATE ON public.isp_services TO dotmac_app',
    /TRUNCATE/,
  ],
  [
    'a foreign key without the tenant',
    `CREATE UNIQUE INDEX elsewhere ON public.isp_customers (id);
    ALTER TABLE public.isp_services ADD CONSTRAINT loose
    FOREIGN KEY (customer_id) REFERENCES public.isp_customers (id)`,
    /loose refers to/,
  ],
  [
    'a foreign key that compares another column',
    `ALTER TABLE public.isp_services ADD COLUMN of_tenant varchar(255);
    ALTER TABLE public.isp_services ADD CONSTRAINT crossed
    FOREIGN KEY (of_tenant, customer_id) REFERENCES public.isp_customers (tenant_id, id)`,
    /crossed refers to/,
  ],
  [
    'a missing index',
    'DROP INDEX public.idx_isp_services_tenant_active',
    /no index idx_isp_services_tenant_active/,
  ],
  [
    'an index of some rows',
    `DROP INDEX public.idx_isp_services_tenant_active; CREATE INDEX
    idx_isp_services_tenant_active ON public.isp_services (tenant_id, is_active) WHERE false`,
    /of some rows/,
  ],
  [
    'a key without the tenant',
    'CREATE UNIQUE INDEX elsewhere ON public.isp_services (lower(notes))',
    /elsewhere \(an expression\)/,
  ],
  [
    'an exclusion without the tenant',
    `ALTER TABLE public.isp_services ADD CONSTRAINT one_fee
    EXCLUDE USING btree (monthly_fee WITH =) DEFERRABLE`,
    /one_fee \(monthly_fee\)/,
  ],
  [
    'an exclusion of other tenants',
    `CREATE EXTENSION btree_gist; ALTER TABLE public.isp_services ADD CONSTRAINT alone
    EXCLUDE USING gist (monthly_fee WITH =, tenant_id WITH <>)`,
    /alone compares tenant_id by another operator than =/,
  ],
  [
    'a tenant for rows without one',
    "ALTER TABLE public.isp_services ALTER tenant_id SET DEFAULT 'isp''1'",
    /tenant_id is 'isp''1'::character varying where a row does not say it/,
  ],
  [
    'rows from before the column was NOT NULL',
    `ALTER TABLE public.isp_services
    DROP CONSTRAINT isp_services_pkey CASCADE, ALTER tenant_id DROP NOT NULL;
    ALTER TABLE public.isp_services ADD CONSTRAINT later NOT NULL tenant_id NOT VALID`,
    /no tenant_id that is NOT NULL/,
  ],
  [
    'a grant of one column',
    'GRANT SELECT (notes) ON public.isp_services TO PUBLIC',
    /PUBLIC has SELECT/,
  ],
  [
    'writes of the reporting role',
    'GRANT DELETE ON public.isp_services TO dotmac_admin',
    /dotmac_admin has DELETE/,
  ],
  [
    'an empty tenant',
    'ALTER TABLE public.isp_services DROP CONSTRAINT isp_services_tenant_id_check',
    /nothing checks that tenant_id <> ''/,
  ],
]

const wrongPartitions: readonly (readonly [string, string, RegExp])[] = [
  [
    'a grant',
    'GRANT SELECT ON public.isp_analytics_usage_p2 TO dotmac_app',
    /dotmac_app has SELECT on its partition/,
  ],
  [
    'a policy',
    'CREATE POLICY own ON public.isp_analytics_usage_p2 USING (true)',
    /has the policy own/,
  ],
  [
    'a grant on a partition of a partition',
    `ALTER TABLE public.isp_analytics_usage DETACH PARTITION
    public.isp_analytics_usage_p2; CREATE TABLE public.middle PARTITION OF public.isp_analytics_usage
    FOR VALUES WITH (MODULUS 4, REMAINDER 2) PARTITION BY LIST (tenant_id);
    CREATE TABLE public.below PARTITION OF public.middle DEFAULT; GRANT SELECT ON public.below TO dotmac_app`,
    /dotmac_app has SELECT on its partition public.below/,
  ],
]

test('validateTenantIsolation refuses what is wrong, and names it', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const admin = await platform.admin('isp')
  for (const [what, sql, sentence] of wrong) {
    await admin.query(`BEGIN; ${sql}`)
    await expect(validateTenantIsolation(admin, 'isp_services', scope), what).rejects.toMatchObject(
      { code: 'WATERTIGHT_GUARD', message: expect.stringMatching(sentence) as string },
    )
    await admin.query('ROLLBACK')
  }
  for (const [what, sql, sentence] of wrongPartitions) {
    await admin.query(`BEGIN; ${sql}`)
    await expect(
      validateTenantIsolation(admin, 'isp_analytics_usage', scope),
      what,
    ).rejects.toMatchObject({
      code: 'WATERTIGHT_GUARD',
      message: expect.stringMatching(sentence) as string,
    })
    await admin.query('ROLLBACK')
  }
  await admin.query('BEGIN')
  expect((await validateTenantIsolation(admin, 'isp_services', scope)).did).toEqual([])
  expect((await validateTenantIsolation(admin, 'isp_analytics_usage', scope)).did).toEqual([])
  await admin.query(`ALTER TABLE public.isp_analytics_usage_p1 NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE public.isp_analytics_usage_p3 OWNER TO dotmac_app`)
  expect((await validateTenantIsolation(admin, 'isp_analytics_usage', scope)).did).toEqual([
    'gave partition public.isp_analytics_usage_p3 to dotmac_owner',
    'secured partition public.isp_analytics_usage_p1',
  ])
  await admin.query('ROLLBACK')
}, 60_000)

test("in a tenant's own schema no other role has a right, and every row is its own", async () => {
  await using platform = await PlatformOnTrial.start({
    services: ['isp'],
    tenancy: 'schema-per-tenant',
    tenants: 2,
    rows: 5,
  })
  const admin = await platform.admin('isp')
  const [one, other] = platform.tenants as readonly [Tenant, Tenant]
  const own = {
    schema: one.schema,
    roles: standardRoles,
    onlyTenant: { id: one.id, role: one.role },
  }
  const table = `"${one.schema}".isp_services`
  expect((await validateTenantIsolation(admin, 'isp_services', own)).did).toEqual([])
  const open: readonly (readonly [string, RegExp])[] = [
    [`GRANT SELECT ON ${table} TO "${other.role}"`, new RegExp(`${other.role} has SELECT`)],
    [`GRANT SELECT ON ${table} TO dotmac_app`, /dotmac_app has SELECT/],
    [`GRANT UPDATE (notes) ON ${table} TO "${other.role}"`, new RegExp(`${other.role} has UPDATE`)],
    [
      `ALTER TABLE ${table} DROP CONSTRAINT isp_services_only_tenant`,
      /nothing checks that tenant_id = /,
    ],
  ]
  for (const [sql, sentence] of open) {
    await admin.query(`BEGIN; ${sql}`)
    await expect(validateTenantIsolation(admin, 'isp_services', own), sql).rejects.toMatchObject({
      code: 'WATERTIGHT_GUARD',
      message: expect.stringMatching(sentence) as string,
    })
    await admin.query('ROLLBACK')
  }
  await admin.query(`BEGIN; ALTER TABLE ${table} DROP CONSTRAINT isp_services_only_tenant;
    ALTER TABLE ${table} ADD CONSTRAINT isp_services_only_tenant CHECK (true)`)
  await expect(ensureTenantColumn(admin, 'isp_services', own)).rejects.toMatchObject({
    message: expect.stringMatching(/isp_services_only_tenant says CHECK \(true\)/) as string,
  })
  await admin.query('ROLLBACK')
}, 60_000)

test('checks are known by what they say, for tenants with quotes and backslashes and for text too', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const admin = await platform.admin('isp')
  for (const [index, id] of [`o'hara`, 'back\\slash\\', 'x "quoted" $$', 'ключ'].entries()) {
    const own = { schema: 'public', roles: standardRoles, onlyTenant: { id, role: 'dotmac_app' } }
    for (const type of ['text', 'varchar(255)', 'varchar']) {
      const name = `kept ${index} ${type}`
      await admin.query(`CREATE TABLE public."${name}" (tenant_id ${type})`)
      expect((await ensureTenantColumn(admin, name, own)).did).toHaveLength(4)
      expect([id, type, (await ensureTenantColumn(admin, name, own)).did]).toEqual([id, type, []])
    }
  }
}, 60_000)

test('a column of another type, rows without an owner and keys without the tenant are refused', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const admin = await platform.admin('isp')
  await admin.query(`CREATE TABLE public.numbered (tenant_id int); CREATE TABLE public.filled (a int);
    INSERT INTO public.filled VALUES (1); CREATE TABLE public.keyed (tenant_id text NOT NULL, id int PRIMARY KEY);
    CREATE TABLE public.orphaned (tenant_id text); INSERT INTO public.orphaned VALUES ('');
    CREATE COLLATION public.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE public.blurred (tenant_id varchar(255) COLLATE public.blind NOT NULL)`)
  await expect(ensureTenantColumn(admin, 'blurred', scope)).rejects.toMatchObject({
    message: expect.stringMatching(/takes different tenants for one/) as string,
  })
  const refused = { code: 'WATERTIGHT_GUARD' }
  await expect(ensureTenantColumn(admin, 'numbered', scope)).rejects.toMatchObject(refused)
  await expect(ensureTenantColumn(admin, 'filled', scope)).rejects.toMatchObject(refused)
  await expect(ensureTenantColumn(admin, 'orphaned', scope)).rejects.toMatchObject(refused)
  await expect(ensureTenantColumn(admin, 'absent', scope)).rejects.toMatchObject(refused)
  await expect(ensureTenantIndexes(admin, 'keyed', { scope })).rejects.toMatchObject(refused)
  await expect(
    ensureTenantIndexes(admin, 'isp_customers', { scope, columns: ['nothing'] }),
  ).rejects.toMatchObject(refused)
}, 60_000)
