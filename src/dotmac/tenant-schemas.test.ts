import { expect, test } from 'vitest'
import { MigrationsOnTrial } from '../testing/migrations-on-trial.ts'
import { standardRoles } from './roles.ts'
import { SchemaPerTenantManager } from './tenant-schemas.ts'

const tenancy = 'schema-per-tenant'

async function managerOf(trial: MigrationsOnTrial): Promise<SchemaPerTenantManager> {
  await trial.migrate(tenancy)
  const sessions = { management: trial.management, isp: trial.isp }
  return new SchemaPerTenantManager({ sessions, roles: standardRoles })
}

test("a tenant gets the seed's schema and role in both databases, and PUBLIC gets nothing", async () => {
  await using trial = await MigrationsOnTrial.start()
  const manager = await managerOf(trial)
  expect(await manager.createTenantSchema({ id: 'acme-corp-123', name: 'Acme' })).toEqual({
    id: 'acme-corp-123',
    schema: 'tenant_acme_corp_123',
    role: 'tenant_acme_corp_123_role',
  })
  await manager.createTenantSchema({ id: 'Globex "& Sons"' })
  for (const session of [trial.management, trial.isp]) {
    const rows =
      await session.query(`SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'tenant_acme_corp_123' AND (has_table_privilege('public', c.oid, 'SELECT')
      OR has_schema_privilege('public', n.oid, 'USAGE'))`)
    expect(rows).toEqual([])
    const [role] =
      await session.query(`SELECT rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolinherit
      AS more FROM pg_roles WHERE rolname = 'tenant_acme_corp_123_role'`)
    expect(role?.['more']).toBe('f')
  }
  expect((await manager.versions()).drift).toEqual([])
  await manager.renameTenant('acme-corp-123', 'Acme Holding')
  expect((await manager.mappingOf('acme-corp-123')).schema).toBe('tenant_acme_corp_123')
}, 60_000)

test('a tenant that exists, a schema that exists and a failure in the middle leave nothing new behind', async () => {
  await using trial = await MigrationsOnTrial.start()
  const manager = await managerOf(trial)
  await manager.createTenantSchema({ id: 'acme' })
  await expect(manager.createTenantSchema({ id: 'acme' })).rejects.toMatchObject({
    code: 'WATERTIGHT_TENANT_EXISTS',
  })
  await expect(manager.createTenantSchema({ id: ' ' })).rejects.toMatchObject({
    code: 'WATERTIGHT_TENANT_NAME',
  })
  await trial.isp.query('CREATE SCHEMA tenant_globex; CREATE TABLE tenant_globex.precious (a int)')
  await expect(manager.createTenantSchema({ id: 'globex' })).rejects.toMatchObject({
    code: 'WATERTIGHT_SCHEMA_EXISTS',
  })
  const [left] = await trial.management.query(
    "SELECT to_regnamespace('tenant_globex') AS schema, " +
      "(SELECT count(*) FROM dotmac_control.tenants WHERE tenant_id = 'globex') AS mapped, " +
      "(SELECT count(*) FROM pg_roles WHERE rolname = 'tenant_globex_role') AS roles",
  )
  expect(left).toEqual({ schema: null, mapped: '0', roles: '0' })
  expect(await trial.isp.query('SELECT count(*) AS n FROM tenant_globex.precious')).toHaveLength(1)
}, 60_000)

test('dropping needs the id as confirmation, takes everything of the tenant and nothing of others', async () => {
  await using trial = await MigrationsOnTrial.start()
  const manager = await managerOf(trial)
  for (const id of ['acme', 'globex']) await manager.createTenantSchema({ id })
  await expect(manager.dropTenantSchema('acme', { confirm: 'globex' })).rejects.toMatchObject({
    code: 'WATERTIGHT_NOT_CONFIRMED',
  })
  await trial.isp.query(
    'CREATE VIEW public.all_names AS SELECT name FROM tenant_acme.isp_customers',
  )
  await expect(manager.dropTenantSchema('acme', { confirm: 'acme' })).rejects.toMatchObject({
    code: 'WATERTIGHT_SCHEMA_IN_USE',
  })
  await trial.isp.query('DROP VIEW public.all_names')
  await manager.dropTenantSchema('acme', { confirm: 'acme' })
  const [left] = await trial.isp.query(
    "SELECT to_regnamespace('tenant_acme') AS acme, " +
      "to_regnamespace('tenant_globex') IS NOT NULL AS globex, " +
      "to_regclass('dotmac_migrations.tenant_acme') AS versions, " +
      "(SELECT count(*) FROM pg_roles WHERE rolname = 'tenant_acme_role') AS roles",
  )
  expect(left).toEqual({ acme: null, globex: 't', versions: null, roles: '0' })
  await manager.createTenantSchema({ id: 'acme' })
}, 60_000)
