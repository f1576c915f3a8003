import { expect, test } from 'vitest'
import type { Service } from '../model/tenancy.ts'
import { Session } from '../postgres/session/session.ts'
import { MigrationsOnTrial } from '../testing/migrations-on-trial.ts'
import { standardRoles } from './roles.ts'
import { SchemaPerTenantManager } from './tenant-schemas.ts'

async function migrated(): Promise<{ trial: MigrationsOnTrial; manager: SchemaPerTenantManager }> {
  const trial = await MigrationsOnTrial.start({ migrated: 'schema-per-tenant' })
  const sessions = { management: trial.management, isp: trial.isp }
  return { trial, manager: new SchemaPerTenantManager({ sessions, roles: standardRoles }) }
}

test('tenants are made and dropped one after the other, by one manager and by two', async () => {
  const { trial, manager } = await migrated()
  await using platform = trial
  const connect = (service: Service) =>
    Session.connect({
      address: platform.server.address,
      database: `dotmac_${service}`,
      pipeline: false,
      statementTimeoutMs: 60_000,
      lockTimeoutMs: 30_000,
    })
  await using management = await connect('management')
  await using isp = await connect('isp')
  const other = new SchemaPerTenantManager({ sessions: { management, isp }, roles: standardRoles })
  await Promise.all(
    [manager, manager, other, other].map((one, index) =>
      one.createTenantSchema({ id: `t${index}` }),
    ),
  )
  const twice = await Promise.allSettled(
    [manager, other].map((one) => one.createTenantSchema({ id: 'same' })),
  )
  expect(twice.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(twice.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'WATERTIGHT_TENANT_EXISTS' },
  })
  await Promise.all([
    manager.dropTenantSchema('t0', { confirm: 't0' }),
    other.createTenantSchema({ id: 't4' }),
    manager.dropTenantSchema('t1', { confirm: 't1' }),
  ])
  const { all, drift } = await manager.versions()
  expect([all.length, drift]).toEqual([8, []])
}, 120_000)

test('a role that is there already is not taken over; a name that cannot be stored is refused', async () => {
  const { trial, manager } = await migrated()
  await using platform = trial
  const { isp } = platform
  const refused = async (sql: string, undo: string) => {
    await isp.query(sql)
    await expect(manager.createTenantSchema({ id: 'evil' })).rejects.toMatchObject({
      code: 'WATERTIGHT_ROLE_EXISTS',
    })
    await isp.query(undo)
  }
  await isp.query(
    'CREATE ROLE tenant_evil_role NOINHERIT; CREATE ROLE bystander; CREATE TABLE public.old (a int)',
  )
  await refused('ALTER ROLE tenant_evil_role LOGIN', 'ALTER ROLE tenant_evil_role NOLOGIN')
  await refused(
    'GRANT pg_read_all_data TO tenant_evil_role',
    'REVOKE pg_read_all_data FROM tenant_evil_role',
  )
  await refused('GRANT tenant_evil_role TO bystander', 'REVOKE tenant_evil_role FROM bystander')
  await refused(
    'GRANT SELECT ON public.old TO tenant_evil_role',
    'REVOKE SELECT ON public.old FROM tenant_evil_role',
  )
  await refused(
    `ALTER ROLE tenant_evil_role SET search_path = x`,
    'ALTER ROLE tenant_evil_role RESET search_path',
  )
  expect(await isp.query(`SELECT 1 FROM pg_roles WHERE rolname = 'tenant_evil_role'`)).toHaveLength(
    1,
  )
  await manager.createTenantSchema({ id: 'evil' })
  const unnamable = ['', ' ', 'x'.repeat(256), 'a\0b', 'two\nlines', 7, null] as readonly string[]
  for (const name of unnamable) {
    await expect(manager.createTenantSchema({ id: 'named', name })).rejects.toMatchObject({
      code: 'WATERTIGHT_TENANT_NAME',
    })
    await expect(manager.renameTenant('evil', name)).rejects.toMatchObject({
      code: 'WATERTIGHT_TENANT_NAME',
    })
  }
  await expect(manager.createTenantSchema(null as never)).rejects.toMatchObject({
    code: 'WATERTIGHT_TENANT_NAME',
  })
  expect((await manager.versions()).all.map(({ tenant }) => tenant)).toEqual(['evil', 'evil'])
  for (const session of [platform.management, isp]) {
    const [may] =
      await session.query(`SELECT has_database_privilege('tenant_evil_role', current_database(), 'TEMP')
        OR has_database_privilege('tenant_evil_role', current_database(), 'CREATE')
        OR has_schema_privilege('tenant_evil_role', 'tenant_evil', 'CREATE') AS more`)
    expect(may?.['more']).toBe('f')
  }
}, 120_000)

test('a schema on which something of another schema depends is not dropped, whatever it is', async () => {
  const { trial, manager } = await migrated()
  await using platform = trial
  await manager.createTenantSchema({ id: 'acme' })
  const dependents = [
    'CREATE FUNCTION other.f(tenant_acme.isp_customers) RETURNS int LANGUAGE sql AS $$SELECT 1$$',
    `CREATE TABLE other.d (n bigint DEFAULT nextval('tenant_acme.isp_billing_ledger_seq'))`,
    `CREATE TABLE other.k (t varchar(255), c uuid,
      FOREIGN KEY (t, c) REFERENCES tenant_acme.isp_customers (tenant_id, id))`,
    'CREATE TABLE other.p (); CREATE POLICY x ON other.p USING (EXISTS (SELECT FROM tenant_acme.isp_customers))',
    'CREATE TABLE other.i () INHERITS (tenant_acme.isp_customers)',
  ]
  await expect(manager.dropTenantSchema('acme')).rejects.toMatchObject({
    code: 'WATERTIGHT_NOT_CONFIRMED',
  })
  for (const sql of dependents) {
    await platform.isp.query(`BEGIN; CREATE SCHEMA other; ${sql}; COMMIT`)
    await expect(manager.dropTenantSchema('acme', { confirm: 'acme' })).rejects.toMatchObject({
      code: 'WATERTIGHT_SCHEMA_IN_USE',
    })
    await platform.isp.query('DROP SCHEMA other CASCADE')
  }
  const [left] = await platform.management.query(
    `SELECT to_regnamespace('tenant_acme') IS NOT NULL AS there`,
  )
  expect(left?.['there']).toBe('t')
  await manager.dropTenantSchema('acme', { confirm: 'acme' })
}, 60_000)

test("a role of another database is no tenant's, and one that was there outlives what failed", async () => {
  const { trial, manager } = await migrated()
  await using platform = trial
  const { management, isp, server } = platform
  await management.query('CREATE DATABASE third')
  await using third = await Session.connect({
    address: server.address,
    database: 'third',
    pipeline: false,
  })
  await third.query('CREATE ROLE tenant_evil_role NOINHERIT; CREATE TABLE a (); CREATE TABLE b ()')
  const lent = async () =>
    (await isp.query(`SELECT 1 FROM pg_auth_members WHERE roleid = 'tenant_evil_role'::regrole`))
      .length
  for (const [sql, undo] of [
    ['ALTER TABLE a OWNER TO tenant_evil_role', `ALTER TABLE a OWNER TO ${server.address.user}`],
    ['GRANT SELECT ON b TO tenant_evil_role', 'REVOKE SELECT ON b FROM tenant_evil_role'],
  ] as const) {
    await third.query(sql)
    await expect(manager.createTenantSchema({ id: 'evil' })).rejects.toMatchObject({
      code: 'WATERTIGHT_ROLE_EXISTS',
    })
    await third.query(undo)
  }
  await isp.query(`CREATE FUNCTION public.dies() RETURNS event_trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE 'no'; END$$;
    CREATE EVENT TRIGGER dies ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.dies()`)
  await expect(manager.createTenantSchema({ id: 'evil' })).rejects.toMatchObject({
    code: 'WATERTIGHT_MIGRATION_FAILED',
  })
  await isp.query('DROP EVENT TRIGGER dies')
  expect(await lent()).toBe(0)
  await manager.createTenantSchema({ id: 'evil' })
  expect(await lent()).toBe(1)
  await third.query('ALTER TABLE a OWNER TO tenant_evil_role')
  await manager.dropTenantSchema('evil', { confirm: 'evil' })
  expect(await lent()).toBe(0)
  await third.query(`DROP TABLE a; DROP ROLE tenant_evil_role`)
  await manager.createTenantSchema({ id: 'evil' })
  await third.query('GRANT SELECT ON b TO tenant_evil_role')
  await manager.dropTenantSchema('evil', { confirm: 'evil' })
  expect(await lent()).toBe(1)
  await manager.createTenantSchema({ id: 'evil' })
}, 60_000)
