import { expect, test } from 'vitest'
import { driftOf, tenantVersions } from './drift.ts'
import { mappedTenants } from './migrate.ts'
import { MigrationsOnTrial } from '../../run/migrations-on-trial.ts'

const tenancy = 'schema-per-tenant'

test('schemas that lost an index, a check or a version are named, and the others are not', async () => {
  await using trial = await MigrationsOnTrial.start()
  await trial.migrate(tenancy)
  for (const id of ['acme', 'globex', 'initech', "o'hara"]) await trial.register(id, tenancy)
  await trial.migrate(tenancy)
  const drift = async () =>
    driftOf(await tenantVersions(trial.isp, 'isp', await mappedTenants(trial.management, tenancy)))
  expect(await drift()).toEqual([])
  await trial.isp.query('DROP INDEX tenant_globex.idx_isp_customers_tenant_email')
  expect((await drift()).map(({ tenant }) => tenant)).toEqual(['globex'])
  await trial.isp.query('ALTER TABLE tenant_acme.isp_services DROP CONSTRAINT isp_services_only_tenant')
  expect((await drift()).map(({ tenant }) => tenant).toSorted()).toEqual(['acme', 'globex'])
  await trial.isp.query('DELETE FROM dotmac_migrations.tenant_initech WHERE version = 1')
  expect((await drift()).find(({ tenant }) => tenant === 'initech')?.sentence).toBe('is at version 0, not 1')
  await trial.register('umbrella', tenancy)
  expect((await drift()).find(({ tenant }) => tenant === 'umbrella')?.sentence).toBe('has no schema')
}, 60_000)
