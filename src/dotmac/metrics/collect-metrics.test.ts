import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../../run/platform-on-trial.ts'
import { collectMetrics, prometheusText } from './collect-metrics.ts'

test('rows per tenant are the table\'s, and hostile labels are escaped', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'] })
  const admin = await platform.admin('isp')
  const samples = await collectMetrics(admin, 'isp_customers')
  const [all] = await admin.query('SELECT count(*) AS n FROM isp_customers')
  const rows = samples.filter((sample) => sample.name === 'dotmac_tenant_rows')
  expect(rows.reduce((sum, sample) => sum + sample.value, 0)).toBe(Number(all?.['n']))
  expect(samples.some((sample) => sample.labels['index'] === 'idx_isp_customers_tenant_created')).toBe(true)
  expect(prometheusText([{ name: 'm', labels: { tenant: 'a"\n\\' }, value: 1 }])).toBe('m{tenant="a\\"\\n\\\\"} 1\n')
}, 60_000)
