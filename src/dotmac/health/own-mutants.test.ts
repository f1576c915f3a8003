import { expect, test } from 'vitest'
import { sessionScoped, bindSetting } from '../tenant-session.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import type { ContextStrategy } from '../../model/context-strategy.ts'
import type { HealthSubject } from './health-check.ts'
import { validateTenantIsolationHealth } from './tenant-isolation-health.ts'

/** Sets the context for the session and forgets it. */
const forgetful: ContextStrategy = {
  ...sessionScoped(bindSetting),
  async withTenant(pool, tenant, work) {
    const client = await pool.connect()
    try {
      await client.query(bindSetting(tenant, 'session'))
      await client.query('BEGIN')
      const value = await work(client)
      await client.query('COMMIT')
      return value
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  },
}

test('each check is green on the healthy platform and goes red for its own mutant', async () => {
  await using platform = await PlatformOnTrial.start({ services: ['isp'] })
  const admin = await platform.admin('isp')
  const subject: HealthSubject = {
    service: 'isp',
    tenancy: 'row-level-security',
    roles: platform.open.site.namespace.roles,
    admin,
    pool: platform.pool('isp', { max: 1 }),
    tenants: platform.tenants,
  }
  const red = async (changes: Partial<HealthSubject> = {}) =>
    (await validateTenantIsolationHealth({ ...subject, ...changes })).checks
      .filter((check) => !check.ok)
      .map((check) => [check.name, ...check.findings])
  expect(await red()).toEqual([])
  const alone = await red({ tenants: platform.tenants.slice(0, 1) })
  expect(alone.map(([name]) => name)).toEqual(['validateCrossTenantQueries'])

  const names = async (sql: string, back: string) => {
    await admin.query(sql)
    const found = await red()
    await admin.query(back)
    return found.map(([name]) => name)
  }
  const predicate = 'tenant_id = (SELECT current_tenant_id())'
  expect(
    await names(
      'DROP POLICY tenant_isolation_delete ON isp_customers',
      `CREATE POLICY tenant_isolation_delete ON isp_customers FOR DELETE USING (${predicate})`,
    ),
  ).toEqual(['validateRlsPolicies'])
  expect(
    await names(
      'DROP INDEX idx_isp_customers_tenant_created',
      'CREATE INDEX idx_isp_customers_tenant_created ON isp_customers (tenant_id, created_at)',
    ),
  ).toEqual(['validateTenantIndexes'])
  expect(
    await names(
      'CREATE POLICY mutant ON isp_services FOR SELECT USING (true)',
      'DROP POLICY mutant ON isp_services',
    ),
  ).toEqual(['validateRlsPolicies', 'validateCrossTenantQueries', 'validateTenantContextLeaks'])
  expect(
    await names(
      'ALTER POLICY tenant_isolation_insert ON isp_services WITH CHECK (true)',
      `ALTER POLICY tenant_isolation_insert ON isp_services WITH CHECK (${predicate})`,
    ),
  ).toEqual(['validateRlsPolicies', 'validateCrossTenantQueries'])
  const tautology = 'tenant_id = tenant_id AND current_tenant_id() IS NOT NULL'
  expect(
    await names(
      `ALTER POLICY tenant_isolation_delete ON isp_services USING (${tautology})`,
      `ALTER POLICY tenant_isolation_delete ON isp_services USING (${predicate})`,
    ),
  ).toContain('validateRlsPolicies')
  expect(
    await names(
      'CREATE SCHEMA extra; CREATE TABLE extra.notes (tenant_id text)',
      'DROP SCHEMA extra CASCADE',
    ),
  ).toEqual(['validateRlsPolicies'])
  const pool = platform.pool('isp', { max: 2 })
  await pool.query('SELECT 1')
  const turning = {
    connect: async () => {
      const [one, two] = [await pool.connect(), await pool.connect()]
      one.release(true)
      return two
    },
  }
  expect((await red({ pool: turning })).map(([name]) => name)).toEqual([
    'validateTenantContextLeaks',
  ])
  expect((await red({ strategy: forgetful })).map(([name]) => name)).toEqual([
    'validateTenantContextLeaks',
  ])
}, 120_000)
