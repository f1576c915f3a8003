import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { services } from '../../model/tenancy.ts'
import type { Tenant } from '../../model/tenant.ts'
import { PlatformOnTrial } from '../../run/platform-on-trial.ts'
import { backupTenant } from './backup-tenant.ts'
import { restoreTenant } from './restore-tenant.ts'
import { contentOf, tenantTables } from './tenant-tables.ts'

const tenancies = ['row-level-security', 'schema-per-tenant'] as const

async function trial(tenancy: (typeof tenancies)[number], platform: PlatformOnTrial) {
  const folder = mkdtempSync(join(tmpdir(), 'backup-'))
  onTestFinished(() => { rmSync(folder, { recursive: true }) })
  const sessions = { management: await platform.admin('management'), isp: await platform.admin('isp') }
  const contents = async (tenant: Tenant) => {
    const all: unknown[] = []
    for (const service of services) {
      await sessions[service].query('BEGIN')
      for (const table of tenantTables(service, tenancy, tenant)) {
        all.push([table.name, await contentOf(sessions[service], table)])
      }
      await sessions[service].query('ROLLBACK')
    }
    return all
  }
  return { folder, sessions, contents }
}

test.each(tenancies)('a tenant is restored as it was, and nobody else is touched, %s', async (tenancy) => {
  await using platform = await PlatformOnTrial.start({ tenancy, tenants: 8, rows: 40 })
  const { folder, sessions, contents } = await trial(tenancy, platform)
  for (const tenant of [platform.tenants[0], platform.tenants[7]]) {
    if (tenant === undefined) throw new Error('too few tenants')
    const others = platform.tenants.filter((each) => each !== tenant)
    const directory = join(folder, tenant.schema)
    const before = await contents(tenant)
    const manifest = await backupTenant({ tenancy, tenant, sessions, directory })
    expect(manifest.tables.reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThan(50)
    expect(existsSync(`${directory}.partial`)).toBe(false)
    const [damaged] = tenantTables('isp', tenancy, tenant).filter(({ name }) => name === 'isp_billing_payments')
    await sessions.isp.query(`DELETE FROM ${damaged?.address ?? ''} WHERE ${damaged?.condition ?? ''}`)
    await sessions.isp.query(`UPDATE ${damaged?.address.replace('payments', 'invoices') ?? ''} SET notes = 'lost'
      WHERE ${damaged?.condition ?? ''}`)
    const theirs = await all(others, contents)
    expect(await contents(tenant)).not.toEqual(before)
    for (let time = 0; time < 2; time += 1) {
      await restoreTenant({ tenancy, tenant, sessions, directory })
      expect(await contents(tenant)).toEqual(before)
      expect(await all(others, contents)).toEqual(theirs)
    }
  }
}, 90_000)

async function all(tenants: readonly Tenant[], contents: (tenant: Tenant) => Promise<unknown>): Promise<unknown[]> {
  const list: unknown[] = []
  for (const tenant of tenants) list.push(await contents(tenant))
  return list
}

test('a changed file, another tenant and a full folder are refused, and nothing is changed or left', async () => {
  const tenancy = 'row-level-security'
  await using platform = await PlatformOnTrial.start({ tenancy, tenants: 2, rows: 10 })
  const { folder, sessions, contents } = await trial(tenancy, platform)
  const [tenant, other] = platform.tenants
  if (tenant === undefined || other === undefined) throw new Error('too few tenants')
  const directory = join(folder, 'one')
  await backupTenant({ tenancy, tenant, sessions, directory })
  const before = await contents(tenant)
  await expect(backupTenant({ tenancy, tenant, sessions, directory })).rejects
    .toMatchObject({ code: 'WATERTIGHT_BACKUP_EXISTS' })
  const mismatch = { code: 'WATERTIGHT_BACKUP_MISMATCH' }
  await expect(restoreTenant({ tenancy, tenant: other, sessions, directory })).rejects.toMatchObject(mismatch)
  await expect(restoreTenant({ tenancy, tenant, sessions, directory: folder })).rejects.toMatchObject(mismatch)
  await expect(restoreTenant({ tenancy: 'schema-per-tenant', tenant, sessions, directory })).rejects
    .toMatchObject(mismatch)
  appendFileSync(join(directory, 'isp', 'isp_customers.copy'), '\n')
  await expect(restoreTenant({ tenancy, tenant, sessions, directory })).rejects.toMatchObject(mismatch)
  expect(await contents(tenant)).toEqual(before)
  await sessions.isp.query('ALTER TABLE isp_services RENAME TO isp_services_elsewhere')
  await expect(backupTenant({ tenancy, tenant, sessions, directory: join(folder, 'two') })).rejects
    .toMatchObject({ code: 'WATERTIGHT_BACKUP_FAILED' })
  expect(readdirSync(folder)).toEqual(['one'])
}, 60_000)
