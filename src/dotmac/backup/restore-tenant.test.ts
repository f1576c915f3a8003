import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tenancies, type Service } from '../../model/tenancy.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { onOneServer, openBackupSession, type BackupPlatform } from './backup-platform.ts'
import { backupTenant } from './backup-tenant.ts'
import { restoreTenant } from './restore-tenant.ts'
import { countAndHash, tenantTables } from './tenant-tables.ts'

function backupPlatformOf(platform: PlatformOnTrial): BackupPlatform {
  return onOneServer(platform.open.site.address, {
    tenancy: platform.tenancy,
    databases: { management: platform.database('management'), isp: platform.database('isp') },
  })
}

describe.each(tenancies)('under %s', (tenancy) => {
  let platform: PlatformOnTrial
  let target: BackupPlatform
  let scratch: string
  let to: string
  beforeAll(async () => {
    platform = await PlatformOnTrial.start({ tenancy, rows: 60 })
    target = backupPlatformOf(platform)
    scratch = await mkdtemp(join(tmpdir(), 'backup-'))
    to = join(scratch, 'acme')
    const manifest = await backupTenant(target, 'acme-corp-123', { to })
    expect(manifest.samePoint).toBe(true)
  }, 60_000)
  afterAll(async () => {
    await rm(scratch, { recursive: true, force: true })
    await platform[Symbol.asyncDispose]()
  })

  test('a damaged tenant is put back to its very rows, and every other tenant keeps its own', async () => {
    const before = await everyTenant(platform, target)
    for (const service of ['management', 'isp'] as const) await damage(target, service, platform)
    const damaged = await everyTenant(platform, target)
    const untouched = await versionsOf(target, platform, 'isp_services')
    expect(damaged.get('acme-corp-123')).not.toEqual(before.get('acme-corp-123'))
    const done = await restoreTenant(target, { from: to })
    expect(done.map(({ outcome }) => outcome)).toEqual(['restored', 'restored'])
    expect(await everyTenant(platform, target)).toEqual(before)
    expect(await versionsOf(target, platform, 'isp_services')).toEqual(untouched)
    const again = await restoreTenant(target, { from: to })
    expect(again.map(({ outcome }) => outcome)).toEqual(['already', 'already'])
  })

  test('triggers are not fired by a restore', async () => {
    const before = await everyTenant(platform, target)
    await using session = await openBackupSession(target, 'isp')
    const tables = await tablesOfAcme(session, target, platform)
    const customers = tables.find(({ name: table }) => table === 'isp_customers')?.address ?? ''
    const audit = tables.find(({ name: table }) => table === 'audit_tenant_access')?.address ?? ''
    await session.query(`CREATE FUNCTION public.noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO ${audit} (tenant_id, user_id, table_name, operation, success)
        VALUES ('acme-corp-123', 'trigger', TG_TABLE_NAME, TG_OP, true); RETURN NULL; END $$;
      CREATE TRIGGER noted AFTER INSERT OR DELETE ON ${customers} FOR EACH ROW EXECUTE FUNCTION public.noted()`)
    await damage(target, 'isp', platform)
    await restoreTenant(target, { from: to })
    expect(await everyTenant(platform, target)).toEqual(before)
  })
})

async function tablesOfAcme(
  session: Session,
  target: BackupPlatform,
  platform: PlatformOnTrial,
  id = 'acme-corp-123',
) {
  const service =
    session.client.database === target.databases.isp ? ('isp' as const) : ('management' as const)
  const tenantSchema = platform.tenants.find((tenant) => tenant.id === id)?.schema ?? ''
  return await tenantTables(session, service, {
    tenancy: target.tenancy,
    tenant: id,
    tenantSchema: target.tenancy === 'row-level-security' ? null : tenantSchema,
  })
}

/** Which transaction wrote each row of a table: rows that were right are not written again. */
async function versionsOf(target: BackupPlatform, platform: PlatformOnTrial, table: string) {
  await using session = await openBackupSession(target, 'isp')
  const { address = '' } =
    (await tablesOfAcme(session, target, platform)).find(({ name }) => name === table) ?? {}
  return await session.query(`SELECT id, xmin FROM ${address} ORDER BY id`)
}

/** Everything a tenant has in both databases, as counts and content hashes. */
async function everyTenant(
  platform: PlatformOnTrial,
  target: BackupPlatform,
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const service of ['management', 'isp'] as const) {
    await using session = await openBackupSession(target, service)
    for (const { id } of platform.tenants) {
      const list = found.get(id) ?? []
      for (const table of await tablesOfAcme(session, target, platform, id)) {
        const where = `tenant_id = ${literal(id)}`
        const { rows, contentHash } = await countAndHash(session, table.address, {
          columns: table.columns,
          where,
        })
        list.push(`${table.address} ${rows} ${contentHash}`)
      }
      found.set(id, list)
    }
  }
  return found
}

/** Deletes one leaf table's rows, changes another table, adds a row to a third. */
async function damage(
  target: BackupPlatform,
  service: Service,
  platform: PlatformOnTrial,
): Promise<void> {
  await using session = await openBackupSession(target, service)
  const tables = await tablesOfAcme(session, target, platform)
  const at = (name: string) => tables.find(({ name: table }) => table === name)?.address ?? ''
  const [leaf, changed] =
    service === 'isp' ? ['isp_analytics_usage', 'isp_customers'] : ['tasks_runs', 'users']
  await session.query(`DELETE FROM ${at(leaf)} WHERE tenant_id = 'acme-corp-123'`)
  const column = service === 'isp' ? 'name' : 'full_name'
  await session.query(
    `UPDATE ${at(changed)} SET ${identifier(column)} = 'lost' WHERE tenant_id = 'acme-corp-123'`,
  )
}
