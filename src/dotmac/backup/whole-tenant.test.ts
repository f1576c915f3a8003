import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { services, type TenancyName } from '../../model/tenancy.ts'
import { identifier } from '../../sql/identifier.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { readTenantStates } from '../recovery/tenant-states.ts'
import { onOneServer, type BackupPlatform } from './backup-platform.ts'
import { backupTenant } from './backup-tenant.ts'
import { restoreTenant } from './restore-tenant.ts'

const acme = 'acme-corp-123'

interface Trial {
  readonly platform: PlatformOnTrial
  readonly target: BackupPlatform
  readonly scratch: string
}

async function onTrial(tenancy: TenancyName, work: (trial: Trial) => Promise<void>): Promise<void> {
  await using platform = await PlatformOnTrial.start({ tenancy, rows: 30 })
  const scratch = await mkdtemp(join(tmpdir(), 'whole-tenant-'))
  const target = onOneServer(platform.open.site.address, {
    tenancy,
    databases: { management: platform.database('management'), isp: platform.database('isp') },
  })
  try {
    await work({ platform, target, scratch })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const odd = 'z "odd"/../ name'

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  "tables that came later are in a tenant's backup, and numbers go on behind its rows, %s",
  async (tenancy) => {
    await onTrial(tenancy, async ({ platform, target, scratch }) => {
      const isp = await platform.admin('isp')
      const shared = tenancy === 'row-level-security'
      const schema = identifier(shared ? 'public' : (platform.tenants[0]?.schema ?? ''))
      // The child sorts before its parent.
      await isp.query(`CREATE TABLE ${schema}.later_b (tenant_id varchar(255) NOT NULL, id int PRIMARY KEY);
        CREATE TABLE ${schema}.later_a (tenant_id varchar(255) NOT NULL, n bigint GENERATED ALWAYS AS IDENTITY,
          b int REFERENCES ${schema}.later_b, label text DEFAULT 'no ' || nextval('${schema}.isp_billing_ledger_seq'));
        CREATE TABLE ${schema}.${identifier(odd)} (${shared ? 'tenant_id text,' : ''} note text);
        INSERT INTO ${schema}.later_b VALUES ('${acme}', 1), ('globex-456', 2);
        INSERT INTO ${schema}.later_a (tenant_id, b) SELECT '${acme}', 1 FROM generate_series(1, 5);
        INSERT INTO ${schema}.${identifier(odd)} VALUES (${shared ? `'${acme}',` : ''} E'a\\tb')`)
      const from = join(scratch, 'acme')
      const { databases } = await backupTenant(target, acme, { to: from })
      const names = databases.isp?.tables.map(({ table }) => table) ?? []
      expect(names).toEqual(expect.arrayContaining(['later_a', 'later_b', odd]))
      expect(names.indexOf('later_b')).toBeLessThan(names.indexOf('later_a'))
      const ids = platform.tenants.map(({ id }) => id)
      const before = await readTenantStates(target, ids)
      await isp.query(`DELETE FROM ${schema}.later_a; DELETE FROM ${schema}.later_b WHERE id = 1;
        DELETE FROM ${schema}.${identifier(odd)};
        ALTER TABLE ${schema}.later_a ALTER COLUMN n RESTART; ALTER SEQUENCE ${schema}.isp_billing_ledger_seq RESTART`)
      await restoreTenant(target, { from })
      expect(await readTenantStates(target, ids)).toEqual(before)
      const [next] = await isp.query(
        `INSERT INTO ${schema}.later_a (tenant_id, b) VALUES ('${acme}', 1) RETURNING n`,
      )
      const [ledger] = await isp.query(`SELECT nextval('${schema}.isp_billing_ledger_seq')
        > (SELECT max(ledger_no) FROM ${schema}.isp_billing_invoices WHERE tenant_id = '${acme}') AS behind`)
      expect([next?.['n'], ledger?.['behind']]).toEqual(['6', 't'])
      // Rows where no backup looks would be lost in silence.
      await isp.query(
        `CREATE SCHEMA aside; CREATE TABLE aside.notes AS SELECT 'globex-456'::text AS tenant_id`,
      )
      await backupTenant(target, acme, { to: join(scratch, 'without') })
      await isp.query(`INSERT INTO aside.notes VALUES ('${acme}')`)
      await expect(
        backupTenant(target, acme, { to: join(scratch, 'short') }),
      ).rejects.toMatchObject({ code: 'WATERTIGHT_BACKUP_INCOMPLETE' })
    })
  },
  60_000,
)

test('a deferrable key that a restored row would break for another tenant is not broken', async () => {
  await onTrial('row-level-security', async ({ platform, target, scratch }) => {
    const isp = await platform.admin('isp')
    await isp.query(`ALTER TABLE isp_customers ADD COLUMN serial_no text;
      ALTER TABLE isp_customers ADD CONSTRAINT one_serial_no UNIQUE (serial_no) DEFERRABLE;
      CREATE TABLE booked (tenant_id text, at int4range, EXCLUDE USING gist (at WITH &&) DEFERRABLE);
      INSERT INTO booked VALUES ('${acme}', '[1,5)')`)
    const serial = (
      id: string,
      value: string,
    ) => `UPDATE isp_customers SET serial_no = ${value} WHERE ctid =
      (SELECT min(ctid) FROM isp_customers WHERE tenant_id = '${id}')`
    await isp.query(serial(acme, `'one'`))
    const from = join(scratch, 'acme')
    await backupTenant(target, acme, { to: from })
    const refused = async () => {
      const ids = platform.tenants.map(({ id }) => id)
      const before = await readTenantStates(target, ids)
      await expect(restoreTenant(target, { from })).rejects.toMatchObject({
        code: 'WATERTIGHT_BACKUP_MISMATCH',
      })
      expect(await readTenantStates(target, ids)).toEqual(before)
    }
    await isp.query('BEGIN; UPDATE isp_customers SET serial_no = NULL')
    await isp.query(`${serial('globex-456', `'one'`)}; COMMIT`)
    await refused()
    await isp.query(`UPDATE isp_customers SET serial_no = 'two' WHERE serial_no = 'one'; DELETE FROM booked;
      INSERT INTO booked VALUES ('globex-456', '[4,9)')`)
    await refused()
    await isp.query('DELETE FROM booked')
    expect(await restoreTenant(target, { from })).toMatchObject([
      { outcome: 'already' },
      { outcome: 'restored' },
    ])
  })
}, 60_000)

test('a lost schema is made anew and filled, and a tenant is not pointed to where its rows are not', async () => {
  await onTrial('schema-per-tenant', async ({ platform, target, scratch }) => {
    const from = join(scratch, 'acme')
    await backupTenant(target, acme, { to: from })
    const ids = platform.tenants.map(({ id }) => id)
    const before = await readTenantStates(target, ids)
    const [management, isp] = [await platform.admin('management'), await platform.admin('isp')]
    // Another mapping than at the time of the backup.
    for (const session of [management, isp])
      await session.query('ALTER SCHEMA tenant_acme_corp_123 RENAME TO moved')
    const control = 'dotmac_control.tenants'
    await management.query(
      `UPDATE ${control} SET schema_name = 'moved' WHERE tenant_id = '${acme}'`,
    )
    await expect(restoreTenant(target, { from })).rejects.toMatchObject({
      code: 'WATERTIGHT_BACKUP_MISMATCH',
    })
    const [mapped] = await management.query(
      `SELECT schema_name FROM ${control} WHERE tenant_id = '${acme}'`,
    )
    expect(mapped?.['schema_name']).toBe('moved')
    await management.query(
      `UPDATE ${control} SET schema_name = 'tenant_acme_corp_123' WHERE tenant_id = '${acme}'`,
    )
    await management.query('ALTER SCHEMA moved RENAME TO tenant_acme_corp_123')
    // One of the two is lost, and then the tenant as a whole.
    await isp.query('DROP SCHEMA moved CASCADE')
    await expect(restoreTenant(target, { from })).rejects.toMatchObject({
      code: 'WATERTIGHT_SCHEMA_MISSING',
    })
    const createSchemas = platform.open.site.namespace.roles
    for (const session of [management, isp]) await session.query('CREATE SCHEMA dotmac_migrations')
    await restoreTenant(target, { from, createSchemas })
    expect(await readTenantStates(target, ids)).toEqual(before)
    for (const service of services) {
      const session = service === 'isp' ? isp : management
      await session.query(`DROP SCHEMA tenant_acme_corp_123 CASCADE;
        DROP TABLE IF EXISTS dotmac_migrations.tenant_acme_corp_123`)
      await session.query('DROP OWNED BY tenant_acme_corp_123_role')
      await session.query(`DELETE FROM dotmac_control.${service === 'isp' ? 'isp_tenants' : 'tenants'}
        WHERE tenant_id = '${acme}'`)
    }
    await isp.query('DROP ROLE tenant_acme_corp_123_role')
    await restoreTenant(target, { from, createSchemas })
    expect(await readTenantStates(target, ids)).toEqual(before)
    const [rollup] = await isp.query(
      'SELECT count(*) > 0 AS filled FROM tenant_acme_corp_123.isp_analytics_monthly',
    )
    expect(rollup?.['filled']).toBe('t')
  })
}, 60_000)
