import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { identifier } from '../../sql/identifier.ts'
import { columnsOf, isTenantAware } from './model.ts'
import { tablesOf } from './index.ts'

const tenancies = ['row-level-security', 'schema-per-tenant'] as const

test.each(tenancies)(
  'updated_at is kept on every table, %s',
  async (tenancy) => {
    await using platform = await PlatformOnTrial.start({ tenancy, tenants: 2, rows: 10 })
    for (const service of ['management', 'isp'] as const) {
      const admin = await platform.admin(service)
      const dated = tablesOf(service).filter(
        (table) =>
          isTenantAware(table) && columnsOf(table).some(({ name }) => name === 'updated_at'),
      )
      expect(dated.length).toBeGreaterThan(6)
      for (const { name, placement } of dated) {
        const own = placement === 'control' ? 'dotmac_control' : (platform.tenants[0]?.schema ?? '')
        const table = `${tenancy === 'schema-per-tenant' ? identifier(own) : 'public'}.${identifier(name)}`
        const [row] = await admin.query(`BEGIN; SET LOCAL session_replication_role = origin;
        UPDATE ${table} SET is_active = NOT is_active RETURNING updated_at = now() AS kept`)
        expect([name, row?.['kept']]).toEqual([name, 't'])
        const chosenSql = `UPDATE ${table} SET updated_at = '2001-02-03' RETURNING updated_at::date::text AS day`
        const [chosen] = await admin.query(chosenSql)
        expect([name, chosen?.['day']]).toEqual([name, '2001-02-03'])
        await admin.query('ROLLBACK')
      }
    }
  },
  60_000,
)
