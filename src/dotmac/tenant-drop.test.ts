import { expect, test } from 'vitest'
import type { Service } from '../model/tenancy.ts'
import { Session } from '../postgres/session/session.ts'
import { MigrationsOnTrial } from '../testing/migrations-on-trial.ts'
import { standardRoles } from './roles.ts'
import { SchemaPerTenantManager } from './tenant-schemas.ts'

async function migrated() {
  const trial = await MigrationsOnTrial.start({ migrated: 'schema-per-tenant' })
  const connect = (service: Service) =>
    Session.connect({
      address: trial.server.address,
      database: `dotmac_${service}`,
      pipeline: false,
      lockTimeoutMs: 300,
    })
  const sessions = { management: await connect('management'), isp: await connect('isp') }
  return {
    trial,
    sessions,
    manager: new SchemaPerTenantManager({ sessions, roles: standardRoles }),
  }
}

/** What is there of a tenant in both databases. */
async function whatIsLeft(trial: MigrationsOnTrial, schema: string) {
  const [management] = await trial.management
    .query(`SELECT to_regnamespace('${schema}') IS NOT NULL AS schema,
    to_regclass('dotmac_migrations.${schema}') IS NOT NULL AS versions,
    (SELECT string_agg(name || ' ' || status, ', ') FROM dotmac_control.tenants) AS tenants,
    (SELECT count(*) FROM pg_roles WHERE rolname = '${schema}_role') AS roles`)
  const [isp] = await trial.isp.query(`SELECT to_regnamespace('${schema}') IS NOT NULL AS schema,
    to_regclass('dotmac_migrations.${schema}') IS NOT NULL AS versions,
    (SELECT string_agg(name, ', ') FROM dotmac_control.isp_tenants) AS tenants,
    has_schema_privilege('${schema}_role', 'dotmac_shared', 'USAGE') AS may
    WHERE to_regrole('${schema}_role') IS NOT NULL`)
  return { management, isp }
}

test('a tenant whose tables are in use in either database is dropped in neither, and afterwards in both', async () => {
  const { trial, sessions, manager } = await migrated()
  await using platform = trial
  await manager.createTenantSchema({ id: 'acme' })
  const whole = await whatIsLeft(platform, 'tenant_acme')
  for (const [user, table] of [
    [platform.isp, 'isp_customers'],
    [platform.management, 'tasks_jobs'],
    [platform.isp, 'audit_tenant_access'],
  ] as const) {
    await user.query(
      `BEGIN; SET LOCAL ROLE tenant_acme_role; SELECT count(*) FROM tenant_acme.${table}`,
    )
    await expect(manager.dropTenantSchema('acme', { confirm: 'acme' })).rejects.toMatchObject({
      code: 'WATERTIGHT_TENANT_UNCHANGED',
      cause: { code: '55P03' },
    })
    await user.query('ROLLBACK')
    expect(await whatIsLeft(platform, 'tenant_acme')).toEqual(whole)
    for (const session of Object.values(sessions)) {
      const [state] = await session.query(`SELECT pg_current_xact_id_if_assigned() AS open,
        (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks`)
      expect(state).toEqual({ open: null, locks: '0' })
    }
  }
  await manager.dropTenantSchema('acme', { confirm: 'acme' })
  expect(await whatIsLeft(platform, 'tenant_acme')).toMatchObject({
    management: { schema: 'f', versions: 'f', tenants: null, roles: '0' },
    isp: undefined,
  })
}, 60_000)

test('what a lost connection leaves half dropped is dropped by another call', async () => {
  const { trial, sessions, manager } = await migrated()
  await using platform = trial
  await manager.createTenantSchema({ id: 'acme' })
  // The management database dies at the very end: the ISP database has committed by then.
  await platform.management.query(`CREATE FUNCTION public.dies() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$;
    CREATE CONSTRAINT TRIGGER dies AFTER DELETE ON dotmac_control.tenants DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION public.dies()`)
  await expect(manager.dropTenantSchema('acme', { confirm: 'acme' })).rejects.toMatchObject({
    code: 'WATERTIGHT_TENANT_HALF_CHANGED',
    hint: expect.stringContaining('again') as string,
  })
  expect(sessions.management.lost).not.toBeNull()
  await platform.management.query('DROP TRIGGER dies ON dotmac_control.tenants')
  const half = await whatIsLeft(platform, 'tenant_acme')
  expect([half.management?.['schema'], half.isp?.['schema']]).toEqual(['t', 'f'])
  const again = new SchemaPerTenantManager({
    sessions: { management: platform.management, isp: platform.isp },
    roles: standardRoles,
  })
  await again.dropTenantSchema('acme', { confirm: 'acme' })
  expect(await whatIsLeft(platform, 'tenant_acme')).toMatchObject({
    management: { schema: 'f', versions: 'f', tenants: null, roles: '0' },
    isp: undefined,
  })
}, 60_000)

test('a tenant is renamed in both databases or in none', async () => {
  const { trial, manager } = await migrated()
  await using platform = trial
  await manager.createTenantSchema({ id: 'acme', name: 'Old' })
  const names = async () => {
    const { management, isp } = await whatIsLeft(platform, 'tenant_acme')
    return [management?.['tenants'], isp?.['tenants']]
  }
  for (const [session, table] of [
    [platform.isp, 'isp_tenants'],
    [platform.management, 'tenants'],
  ] as const) {
    await session.query(`BEGIN; LOCK TABLE dotmac_control.${table} IN SHARE MODE`)
    await expect(manager.renameTenant('acme', 'New')).rejects.toMatchObject({
      code: 'WATERTIGHT_TENANT_UNCHANGED',
      cause: { code: '55P03' },
    })
    await session.query('ROLLBACK')
    expect(await names()).toEqual(['Old active', 'Old'])
  }
  await manager.renameTenant('acme', 'New')
  expect(await names()).toEqual(['New active', 'New'])
}, 60_000)
