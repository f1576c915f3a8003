import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { readTenantStates } from '../recovery/tenant-states.ts'
import { onOneServer, type BackupPlatform } from './backup-platform.ts'
import { backupTenant } from './backup-tenant.ts'
import { restoreTenant } from './restore-tenant.ts'

const acme = 'acme-corp-123'
let platform: PlatformOnTrial
let target: BackupPlatform
let scratch: string
beforeAll(async () => {
  platform = await PlatformOnTrial.start({ rows: 30 })
  target = onOneServer(platform.open.site.address, {
    tenancy: platform.tenancy,
    databases: { management: platform.database('management'), isp: platform.database('isp') },
  })
  scratch = await mkdtemp(join(tmpdir(), 'refused-'))
}, 60_000)
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true })
  await platform[Symbol.asyncDispose]()
})

/** A refused restore changes no tenant. */
async function refused(from: string, code: string): Promise<void> {
  const ids = platform.tenants.map(({ id }) => id)
  const before = await readTenantStates(target, ids)
  await expect(restoreTenant(target, { from })).rejects.toMatchObject({ code })
  expect(await readTenantStates(target, ids)).toEqual(before)
}

async function freshBackup(name: string): Promise<string> {
  const to = join(scratch, name)
  await backupTenant(target, acme, { to })
  // Something to restore: a backup that equals the live rows would not be written at all.
  const admin = await platform.admin('isp')
  await admin.query(`UPDATE isp_customers SET city = city || 'x' WHERE tenant_id = '${acme}'`)
  return to
}

test('a file that changed by one row, or vanished, is refused', async () => {
  const to = await freshBackup('changed')
  const file = join(to, 'isp', 'isp_customers.copy')
  const text = await readFile(file, 'utf8')
  await writeFile(
    file,
    text.replace(/[a-z]/, (letter) => (letter === 'x' ? 'y' : 'x')),
  )
  await refused(to, 'WATERTIGHT_BACKUP_MISMATCH')
  await appendFile(file, text.split('\n')[0] ?? '')
  await refused(to, 'WATERTIGHT_BACKUP_MISMATCH')
  await rm(file)
  await refused(to, 'WATERTIGHT_BACKUP_MISMATCH')
})

test('rows of another tenant in a file whose hash was made to fit are rolled back', async () => {
  const to = await freshBackup('forged')
  const { createHash } = await import('node:crypto')
  const file = join(to, 'management', 'users.copy')
  const forged = (await readFile(file, 'utf8')).replaceAll(acme, 'globex-456')
  await writeFile(file, forged)
  const manifest = await readFile(join(to, 'manifest.json'), 'utf8')
  const old = JSON.parse(manifest) as {
    databases: { management: { tables: { file: string; sha256: string }[] } }
  }
  for (const table of old.databases.management.tables) {
    if (table.file !== 'management/users.copy') continue
    const sha256 = createHash('sha256').update(forged).digest('hex')
    Object.assign(table, { sha256, bytes: Buffer.byteLength(forged) })
  }
  await writeFile(join(to, 'manifest.json'), JSON.stringify(old))
  const admin = await platform.admin('management')
  // A table that already equals the manifest is not written, so its file would not be read.
  await admin.query(`DELETE FROM tasks_runs WHERE tenant_id = '${acme}';
    UPDATE users SET is_active = NOT is_active WHERE tenant_id = '${acme}'`)
  await expect(restoreTenant(target, { from: to })).rejects.toMatchObject({
    code: expect.stringMatching(/^WATERTIGHT_(BACKUP_MISMATCH|RESTORE_FAILED)$/) as unknown,
  })
  const [row] = await admin.query(`SELECT count(*) AS n FROM users WHERE tenant_id = '${acme}'`)
  expect(Number(row?.['n'])).toBeGreaterThan(0)
})

test('another column than at the time of the backup is refused', async () => {
  const to = await freshBackup('column')
  const admin = await platform.admin('isp')
  await admin.query('ALTER TABLE isp_services ADD COLUMN later text')
  await refused(to, 'WATERTIGHT_BACKUP_MISMATCH')
  await admin.query('ALTER TABLE isp_services DROP COLUMN later')
  expect((await restoreTenant(target, { from: to })).map(({ outcome }) => outcome)).toContain(
    'restored',
  )
})

test('a tenant nobody knows, a place that is taken and one that cannot be written leave nothing behind', async () => {
  const taken = await freshBackup('taken')
  const before = await readdir(scratch)
  await expect(
    backupTenant(target, 'nobody', { to: join(scratch, 'nobody') }),
  ).rejects.toMatchObject({ code: 'WATERTIGHT_TENANT_UNKNOWN' })
  await expect(backupTenant(target, '', { to: join(scratch, 'empty') })).rejects.toMatchObject({
    code: 'WATERTIGHT_TENANT_NAME',
  })
  await expect(backupTenant(target, acme, { to: taken })).rejects.toMatchObject({
    code: 'WATERTIGHT_BACKUP_EXISTS',
  })
  await expect(backupTenant(target, acme, { to: '/proc/no/backup' })).rejects.toMatchObject({
    code: 'WATERTIGHT_BACKUP_WRITE',
  })
  expect(await readdir(scratch)).toEqual(before)
  await refused(scratch, 'WATERTIGHT_BACKUP_UNREADABLE')
})
