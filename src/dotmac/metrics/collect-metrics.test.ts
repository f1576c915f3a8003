import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { recordAccess } from '../audit/record-access.ts'
import { collectMetrics, type MetricsSubject } from './collect-metrics.ts'
import type { MetricName } from './sample.ts'

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'the four metrics are those of the database, %s',
  async (tenancy) => {
    await using platform = await PlatformOnTrial.start({ tenancy, services: ['isp'] })
    const { tenants } = platform
    const session = await platform.admin('isp')
    const { roles } = platform.open.site.namespace
    const schemas =
      tenancy === 'row-level-security' ? ['public'] : tenants.map(({ schema }) => schema)
    const subject: MetricsSubject = {
      service: 'isp',
      tenancy,
      roles,
      session,
      table: 'isp_customers',
      schemas,
    }
    const [tenant] = tenants
    if (tenant === undefined) throw new Error('a tenant is needed')
    const of = async (name: MetricName, id = tenant.id) =>
      (await collectMetrics(subject)).find(
        (sample) => sample.name === name && sample.labels['tenant'] === id,
      )?.value ?? 0
    const before = [
      await of('dotmac_tenant_accesses'),
      await of('dotmac_cross_tenant_attempts'),
    ] as const
    await recordAccess(platform.pool('isp', { max: 1 }), {
      tenant: { id: tenant.id, tenancy },
      userId: 'u',
      tableName: 't',
      operation: 'o',
      success: false,
    })
    expect([await of('dotmac_tenant_accesses'), await of('dotmac_cross_tenant_attempts')]).toEqual(
      before.map((count) => count + 1),
    )
    const table =
      tenancy === 'row-level-security' ? 'public.isp_customers' : `"${tenant.schema}".isp_customers`
    const [all] = await session.query(
      `SELECT count(*) AS n FROM ${table} WHERE tenant_id = '${tenant.id}'`,
    )
    expect(await of('dotmac_tenant_rows')).toBe(Number(all?.['n']))
    const samples = await collectMetrics(subject)
    expect(
      samples.some(({ labels }) => labels['index'] === 'idx_isp_customers_tenant_created'),
    ).toBe(true)
    expect(
      samples.some(({ labels }) => labels['index'] === 'idx_isp_analytics_usage_tenant_id'),
    ).toBe(true)
    const ratios = samples
      .filter(({ name }) => name.startsWith('dotmac_rls_overhead_ratio'))
      .map(({ value }) => value)
    expect(ratios).toHaveLength(tenancy === 'row-level-security' ? 3 : 0)
    const [ratio = 1, low = 1, high = 1] = ratios
    expect(low > 0 && low <= ratio && ratio <= high && Number.isFinite(high)).toBe(true)
  },
  60_000,
)

test("an overhead is not measured where the policies hide a tenant's own rows", async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'] })
  const session = await platform.admin('isp')
  await session.query('DROP POLICY tenant_isolation_select ON isp_customers')
  await expect(
    collectMetrics({
      service: 'isp',
      tenancy: 'row-level-security',
      session,
      table: 'isp_customers',
      roles: platform.open.site.namespace.roles,
      schemas: ['public'],
    }),
  ).rejects.toMatchObject({ code: 'WATERTIGHT_OVERHEAD' })
}, 60_000)

test('scans of partitions are those of their table', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'] })
  const session = await platform.admin('isp')
  const subject: MetricsSubject = {
    service: 'isp',
    tenancy: 'row-level-security',
    session,
    table: 'isp_customers',
    roles: platform.open.site.namespace.roles,
    schemas: ['public'],
  }
  const scans = async () =>
    (await collectMetrics(subject))
      .filter(({ labels }) => labels['table'] === 'isp_analytics_usage')
      .filter(
        ({ name, labels }) =>
          name === 'dotmac_sequential_scans_total' ||
          labels['index'] === 'idx_isp_analytics_usage_tenant_id',
      )
      .map(({ value }) => value)
  const [indexed = 0, sequential = 0] = await scans()
  await session.query('SET enable_indexscan = off; SET enable_bitmapscan = off')
  await session.query('SELECT count(*) FROM isp_analytics_usage')
  // The counters of this session are written before the next statement may see them: one is forced, not awaited.
  await session.query('RESET ALL; SELECT pg_stat_force_next_flush()')
  await session.query('SELECT pg_stat_clear_snapshot()')
  expect(await scans()).toEqual([indexed, sequential + 4])
}, 60_000)
