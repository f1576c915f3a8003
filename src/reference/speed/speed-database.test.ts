import { expect, test } from 'vitest'
import { secureDatabaseSql } from '../../dotmac/roles.ts'
import { buildSpeedDatabase, speedSchemas } from '../../reference/speed/speed-database.ts'
import { planSeed } from '../../reference/seed/plan.ts'
import { openSite } from '../../reference/site/open-site.ts'
import { adminSession } from '../../reference/site/provision.ts'

test('variants are compared only when VACUUM made the pages of all of them visible', async () => {
  await using open = await openSite({
    target: null,
    keep: false,
    plan: planSeed({ seed: 1, tenants: 4, rows: 10 }),
  })
  const {
    address,
    namespace: { roles },
    tenants,
  } = open.site
  const build = async (database: string, meanwhile: string) => {
    await open.admin.query(`CREATE DATABASE ${database} TEMPLATE template0`)
    await open.admin.query(secureDatabaseSql(database, roles))
    await using admin = await adminSession(address, database)
    await using other = await adminSession(address, database)
    await other.query(meanwhile)
    await buildSpeedDatabase(admin, { tenants, roles, rows: 20_000, variants: ['hardened'] })
    const rows = await admin.query(`SELECT relnamespace::regnamespace::text AS schema FROM pg_class
      WHERE relname = 'isp_customers' AND relallvisible = relpages AND relpages > 0 ORDER BY 1`)
    return rows.map(({ schema }) => schema)
  }
  // The server commits asynchronously: rows of such a commit are not visible to all for some hundred milliseconds.
  expect(await open.admin.query('SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'off' }])
  expect(await build('quiet', 'SELECT 1')).toEqual([speedSchemas.hardened, speedSchemas.plain])
  const old = build('held', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1')
  await expect(old).rejects.toMatchObject({ code: 'WATERTIGHT_UNFAIR', exitCode: 3 })
}, 120_000)
