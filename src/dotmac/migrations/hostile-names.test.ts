import { expect, test } from 'vitest'
import { literal } from '../../sql/identifier.ts'
import { standardRoles } from '../roles.ts'
import { driftOf, tenantVersions } from './drift.ts'
import { expectedShape } from './expected-shape.ts'
import { mappedTenants } from './migrate.ts'
import { MigrationsOnTrial } from '../../testing/migrations-on-trial.ts'

const hostile = [
  "o'brien",
  "back\\slash'; DROP TABLE x; --",
  'Zürich "net"',
  '@schema@',
  '$1',
  'MiXed',
  '日本',
  // Words of the platform's own definitions.
  'pg_catalog',
  'isp_billing_ledger_seq',
  'app.current_tenant_id',
]

test('any tenant gets its schemas without drift; a mapping to a name that is SQL is refused and named', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: 'schema-per-tenant' })
  for (const id of hostile) await trial.register(id, 'schema-per-tenant')
  expect((await trial.migrate('schema-per-tenant')).failed).toEqual([])
  const shape = await expectedShape(trial.isp, { service: 'isp', roles: standardRoles, version: 1 })
  const tenants = await mappedTenants(trial.management, 'schema-per-tenant')
  expect(tenants.map(({ id }) => id).toSorted()).toEqual(hostile.toSorted())
  expect(driftOf(await tenantVersions(trial.isp, 'isp', tenants), shape)).toEqual([])
  const mapped = 'tenant_x (a int); CREATE TABLE public.pwned (b int); --'
  await trial.management.query(`INSERT INTO dotmac_control.tenants
      (tenant_id, name, status, plan, schema_name, role_name, settings)
      VALUES ('evil', 'evil', 'active', 'starter', ${literal(mapped)}, 'tenant_evil_role', '{}')`)
  const second = await trial.migrate('schema-per-tenant')
  expect(
    second.failed.map(({ title, error }) => [title, /not a plain lower-case name/.test(error)]),
  ).toEqual([
    ['tenant evil in management', true],
    ['tenant evil in isp', false],
  ])
  expect(second.failed[1]?.error).toContain(
    'cannot be migrated before that of the management database',
  )
  const there = "SELECT count(*) AS n FROM pg_class WHERE relname = 'pwned'"
  expect([await trial.management.query(there), await trial.isp.query(there)]).toEqual([
    [{ n: '0' }],
    [{ n: '0' }],
  ])
}, 120_000)
