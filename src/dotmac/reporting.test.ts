import { expect, test } from 'vitest'
import { literal } from '../sql/identifier.ts'
import { PlatformOnTrial } from '../testing/platform-on-trial.ts'
import { reporter, reportNames } from './reporting.ts'

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'every report has the rows of all tenants, for the reporting role alone, and leaves a line, %s',
  async (tenancy) => {
    await using platform = await PlatformOnTrial.start({
      tenancy,
      services: ['isp'],
      tenants: 4,
      rows: 40,
    })
    const app = platform.pool('isp', { max: 1 })
    const [acting] = platform.tenants
    if (acting === undefined) throw new Error('a tenant is needed')
    const caller = { tenant: { id: acting.id, tenancy }, userId: 'ann', clientIp: '192.0.2.7' }
    const asked = (login: 'admin' | 'app', enabled = true) => {
      const report = reporter({
        isp: platform.pool('isp', { login, max: 1 }),
        trail: () => app,
        tenancy,
      })
      return (name: string) => report(name, { ...caller, enabled })
    }
    const report = asked('admin')
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
      expect([
        await of('tenants', 'customers'),
        await of('revenue', 'invoiced'),
        await of('usage', 'bytes_total'),
      ]).toEqual([sums?.['customers'], sums?.['invoiced'], sums?.['bytes_total']].map(String))
    }
    for (const name of reportNames) {
      expect((await report(name)).map((row) => row['tenant_id'])).toEqual(ids)
      await expect(asked('app')(name)).rejects.toMatchObject({ code: 'WATERTIGHT_NOT_REPORTING' })
    }
    await expect(report(undefined as never)).rejects.toMatchObject({ code: 'WATERTIGHT_NOT_FOUND' })
    await expect(report('toString')).rejects.toMatchObject({ code: 'WATERTIGHT_NOT_FOUND' })

    // Every one leaves a line, also a refused one, and none is handed out without.
    const table = `${tenancy === 'row-level-security' ? 'public' : `"${acting.schema}"`}.audit_tenant_access`
    const lines = async () =>
      (
        await admin.query(`SELECT user_id, table_name, success, host(client_ip) AS ip
      FROM ${table} WHERE operation = 'REPORT' AND tenant_id = ${literal(acting.id)} ORDER BY access_time`)
      ).map((row) => Object.values(row).join(' '))
    await admin.query(`DELETE FROM ${table}`)
    await asked('admin')('revenue')
    await expect(asked('app')('usage')).rejects.toMatchObject({ code: 'WATERTIGHT_NOT_REPORTING' })
    await expect(asked('admin')('no\0thing')).rejects.toMatchObject({
      code: 'WATERTIGHT_NOT_FOUND',
    })
    const told = ['ann revenue t 192.0.2.7', 'ann usage f 192.0.2.7', 'ann nothing f 192.0.2.7']
    expect(await lines()).toEqual(told)
    await asked('admin', false)('revenue')
    expect(await lines()).toEqual(told)
    for (const nobody of [null, undefined, { userId: 'ann' }, { ...caller, tenant: { id: '' } }]) {
      const report = reporter({
        isp: app,
        trail: () => {
          throw new Error('asked for a trail')
        },
      })
      await expect(report('revenue', nobody as never)).rejects.toMatchObject({
        code: 'WATERTIGHT_TENANT_NAME',
      })
    }
    if (tenancy === 'row-level-security') {
      await admin.query('DROP POLICY tenant_reporting_select ON isp_customers')
      await expect(asked('admin')('tenants')).rejects.toMatchObject({
        code: 'WATERTIGHT_NOT_REPORTING',
      })
      await admin.query(`CREATE POLICY tenant_reporting_select ON isp_customers FOR SELECT TO dotmac_admin
        USING (true)`)
    }
    await admin.query(`ALTER TABLE ${table} RENAME TO away`)
    await expect(asked('admin')('revenue')).rejects.toBeInstanceOf(AggregateError)
  },
  60_000,
)
