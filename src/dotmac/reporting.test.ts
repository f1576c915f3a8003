import { expect, test } from 'vitest'
import { literal } from '../postgres/identifier.ts'
import { PlatformOnTrial } from '../run/platform-on-trial.ts'
import { reporter, reportNames } from './reporting.ts'

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'every report has the rows of all tenants, for the reporting role alone, %s', async (tenancy) => {
    await using platform = await PlatformOnTrial.start({ tenancy, services: ['isp'], tenants: 4, rows: 40 })
    const report = reporter({ isp: platform.pool('isp', { login: 'admin', max: 1 }), tenancy })
    const admin = await platform.admin('isp')
    const ids = platform.tenants.map(({ id }) => id).toSorted()
    for (const { id, schema } of platform.tenants) {
      const at = tenancy === 'row-level-security' ? 'public' : `"${schema}"`
      const own = `tenant_id = ${literal(id)}`
      const [sums] = await admin.query(`SELECT
        (SELECT count(*) FROM ${at}.isp_customers WHERE ${own}) AS customers,
        (SELECT sum(total) FROM ${at}.isp_billing_invoices WHERE ${own}) AS invoiced,
        (SELECT sum(bytes_total) FROM ${at}.isp_analytics_daily WHERE ${own}) AS bytes_total`)
      const of = async (name: string, column: string) =>
        String((await report(name)).find((row) => row['tenant_id'] === id)?.[column])
      expect([await of('tenants', 'customers'), await of('revenue', 'invoiced'), await of('usage', 'bytes_total')])
        .toEqual([sums?.['customers'], sums?.['invoiced'], sums?.['bytes_total']].map(String))
    }
    for (const name of reportNames) {
      expect((await report(name)).map((row) => row['tenant_id'])).toEqual(ids)
      await expect(reporter({ isp: platform.pool('isp', { max: 1 }), tenancy })(name))
        .rejects.toMatchObject({ code: 'WATERTIGHT_NOT_REPORTING' })
    }
    await expect(report('toString')).rejects.toMatchObject({ code: 'WATERTIGHT_NOT_FOUND' })
  }, 60_000)
