import { expect, test } from 'vitest'
import { standardRoles } from '../roles.ts'
import { PlatformOnTrial } from '../../run/platform-on-trial.ts'
import { ensureTenantColumn } from './ensure-tenant-column.ts'
import { ensureTenantIndexes } from './ensure-tenant-indexes.ts'
import { validateTenantIsolation } from './validate-tenant-isolation.ts'

const scope = { schema: 'public', roles: standardRoles }

test('guards add what is missing, say so, do nothing twice, and the table is then tight', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const admin = await platform.admin('isp')
  await admin.query('CREATE TABLE public.new_service (name text, type text, created_at timestamptz DEFAULT now())')
  await admin.query('BEGIN')
  const all = async () => [
    await ensureTenantColumn(admin, 'new_service', scope),
    await ensureTenantIndexes(admin, 'new_service', { scope, columns: ['name', 'type'] }),
    await validateTenantIsolation(admin, 'new_service', scope),
  ].map(({ did }) => did)
  const [column, indexes, isolation] = await all()
  expect(column).toEqual(['added tenant_id', 'forbade the empty tenant_id'])
  expect(indexes).toEqual([
    'created idx_new_service_tenant_id (tenant_id)', 'created idx_new_service_tenant_created (tenant_id, created_at)',
    'created idx_new_service_tenant_name (tenant_id, name)', 'created idx_new_service_tenant_type (tenant_id, type)',
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
  expect(await as(one, `INSERT INTO new_service (tenant_id, name) VALUES ('${one ?? ''}', 'mine')`)).toBe(1)
  expect(await as(other, 'SELECT * FROM new_service')).toBe(0)
  await expect(as(other, `INSERT INTO new_service (tenant_id) VALUES ('${one ?? ''}')`)).rejects
    .toMatchObject({ code: '42501' })
}, 60_000)

const wrong: readonly (readonly [string, string, RegExp])[] = [
  ['a permissive policy of its own', 'CREATE POLICY all_of_it ON public.isp_services USING (true)', /all_of_it is not/],
  ['a policy that was changed', 'ALTER POLICY tenant_isolation_select ON public.isp_services USING (true)',
    /tenant_isolation_select says true/],
  ['a policy that is missing', 'DROP POLICY tenant_isolation_delete ON public.isp_services', /lacks the policy/],
  ['a grant to PUBLIC', 'GRANT SELECT ON public.isp_services TO PUBLIC', /PUBLIC has SELECT/],
  ['TRUNCATE for the application', 'GRANT TRUNCATE ON public.isp_services TO dotmac_app', /TRUNCATE/],
  ['a foreign key without the tenant', `CREATE UNIQUE INDEX elsewhere ON public.isp_customers (id);
    ALTER TABLE public.isp_services ADD CONSTRAINT loose
    FOREIGN KEY (customer_id) REFERENCES public.isp_customers (id)`,
  /loose refers to/],
  ['a missing index', 'DROP INDEX public.idx_isp_services_tenant_active', /no index idx_isp_services_tenant_active/],
]

test('validateTenantIsolation refuses what is wrong, and names it', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const admin = await platform.admin('isp')
  for (const [what, sql, sentence] of wrong) {
    await admin.query(`BEGIN; ${sql}`)
    await expect(validateTenantIsolation(admin, 'isp_services', scope), what).rejects
      .toMatchObject({ code: 'WATERTIGHT_GUARD', message: expect.stringMatching(sentence) as string })
    await admin.query('ROLLBACK')
  }
  await admin.query('BEGIN')
  expect((await validateTenantIsolation(admin, 'isp_services', scope)).did).toEqual([])
  expect((await validateTenantIsolation(admin, 'isp_analytics_usage', scope)).did).toEqual([])
  await admin.query('ROLLBACK')
}, 60_000)

test('a column of another type, rows without an owner and keys without the tenant are refused', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 2, rows: 5 })
  const admin = await platform.admin('isp')
  await admin.query(`CREATE TABLE public.numbered (tenant_id int); CREATE TABLE public.filled (a int);
    INSERT INTO public.filled VALUES (1); CREATE TABLE public.keyed (tenant_id text NOT NULL, id int PRIMARY KEY);
    CREATE TABLE public.orphaned (tenant_id text); INSERT INTO public.orphaned VALUES ('')`)
  const refused = { code: 'WATERTIGHT_GUARD' }
  await expect(ensureTenantColumn(admin, 'numbered', scope)).rejects.toMatchObject(refused)
  await expect(ensureTenantColumn(admin, 'filled', scope)).rejects.toMatchObject(refused)
  await expect(ensureTenantColumn(admin, 'orphaned', scope)).rejects.toMatchObject(refused)
  await expect(ensureTenantColumn(admin, 'absent', scope)).rejects.toMatchObject(refused)
  await expect(ensureTenantIndexes(admin, 'keyed', { scope })).rejects.toMatchObject(refused)
  await expect(ensureTenantIndexes(admin, 'isp_customers', { scope, columns: ['nothing'] })).rejects
    .toMatchObject(refused)
}, 60_000)
