import { expect, test } from 'vitest'
import type { Service } from '../model/tenancy.ts'
import { Session } from '../postgres/session/session.ts'
import { MigrationsOnTrial } from '../testing/migrations-on-trial.ts'
import { standardRoles } from './roles.ts'
import { SchemaPerTenantManager } from './tenant-schemas.ts'

/** A tenant whose creation lost its connection to the ISP database in the middle of a migration. */
async function halfMade(trial: MigrationsOnTrial): Promise<SchemaPerTenantManager> {
  await trial.migrate('schema-per-tenant')
  await using management = await connect(trial, 'management')
  await using isp = await connect(trial, 'isp')
  await trial.isp.query(`CREATE FUNCTION public.dies() RETURNS event_trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); END$$;
    CREATE EVENT TRIGGER dies ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.dies()`)
  const manager = new SchemaPerTenantManager({
    sessions: { management, isp },
    roles: standardRoles,
  })
  await expect(
    manager.createTenantSchema({ id: 'acme', name: 'Acme & Sons' }),
  ).rejects.toMatchObject({
    code: 'WATERTIGHT_TENANT_HALF_CHANGED',
    message: expect.stringContaining('half made') as string,
  })
  // The event trigger ended its own connection.
  await expect(manager.versions()).rejects.toThrow(/lost|terminat|closed/i)
  await trial.isp.query('DROP EVENT TRIGGER dies')
  const { management: one, isp: other } = trial
  return new SchemaPerTenantManager({
    sessions: { management: one, isp: other },
    roles: standardRoles,
  })
}

function connect(trial: MigrationsOnTrial, service: Service): Promise<Session> {
  return Session.connect({
    address: trial.server.address,
    database: `dotmac_${service}`,
    pipeline: false,
  })
}

async function listed(trial: MigrationsOnTrial) {
  const at = 'SELECT name, status FROM dotmac_control.'
  return [await trial.management.query(`${at}tenants`), await trial.isp.query(`${at}isp_tenants`)]
}

test('a tenant that lost its connection while it was made stays listed, and making it again ends it', async () => {
  await using trial = await MigrationsOnTrial.start()
  const manager = await halfMade(trial)
  expect(await listed(trial)).toEqual([[{ name: 'Acme & Sons', status: 'provisioning' }], []])
  await manager.recreateTenantSchema('acme')
  const active = [{ name: 'Acme & Sons', status: 'active' }]
  expect(await listed(trial)).toEqual([active, active])
  const { all, drift } = await manager.versions()
  expect([all.length, drift]).toEqual([2, []])
}, 60_000)

test('a half made tenant can be dropped, and made as if it had never been', async () => {
  await using trial = await MigrationsOnTrial.start()
  const manager = await halfMade(trial)
  await manager.dropTenantSchema('acme', { confirm: 'acme' })
  expect(await listed(trial)).toEqual([[], []])
  expect(
    await trial.isp.query(`SELECT 1 FROM pg_roles WHERE rolname = 'tenant_acme_role'`),
  ).toEqual([])
  await manager.createTenantSchema({ id: 'acme' })
}, 60_000)

test('a suspended tenant whose schema is made again stays suspended', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: 'schema-per-tenant' })
  const manager = new SchemaPerTenantManager({
    sessions: { management: trial.management, isp: trial.isp },
    roles: standardRoles,
  })
  await manager.createTenantSchema({ id: 'acme' })
  await trial.management.query(`UPDATE dotmac_control.tenants SET status = 'suspended'`)
  await trial.isp.query('DROP SCHEMA tenant_acme CASCADE; DELETE FROM dotmac_control.isp_tenants')
  await manager.recreateTenantSchema('acme')
  const suspended = [{ name: 'acme', status: 'suspended' }]
  expect(await listed(trial)).toEqual([suspended, suspended])
}, 60_000)
