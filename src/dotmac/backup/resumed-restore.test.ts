import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { differences, readTenantStates } from '../recovery/tenant-states.ts'
import { onOneServer } from './backup-platform.ts'
import { backupTenant } from './backup-tenant.ts'
import { restoreTenant } from './restore-tenant.ts'

test('a restore that is killed between or within the databases is finished by running it again', async () => {
  await using platform = await PlatformOnTrial.start({ rows: 30 })
  const target = onOneServer(platform.open.site.address, {
    tenancy: platform.tenancy,
    databases: { management: platform.database('management'), isp: platform.database('isp') },
  })
  const scratch = await mkdtemp(join(tmpdir(), 'resumed-'))
  try {
    const from = join(scratch, 'acme')
    await backupTenant(target, 'acme-corp-123', { to: from })
    const ids = platform.tenants.map(({ id }) => id)
    const before = await readTenantStates(target, ids)
    const isp = await platform.admin('isp')
    await isp.query(`UPDATE isp_customers SET name = 'lost' WHERE tenant_id = 'acme-corp-123'`)
    const management = await platform.admin('management')
    await management.query(`UPDATE users SET full_name = 'lost' WHERE tenant_id = 'acme-corp-123'`)
    // A lock on one of its tables holds the second database's restore up in the middle, where it is killed.
    await isp.query('BEGIN; LOCK TABLE isp_customers IN SHARE MODE')
    const killer = await platform.admin('management')
    const restoring = restoreTenant(target, { from })
    const outcome = expect(restoring).rejects.toMatchObject({ code: 'WATERTIGHT_RESTORE_FAILED' })
    for (let killed = 0; killed === 0;) {
      const rows =
        await killer.query(`SELECT pg_terminate_backend(pid) AS gone FROM pg_stat_activity
        WHERE datname = '${target.databases.isp}' AND wait_event_type = 'Lock'`)
      killed = rows.length
    }
    await outcome
    await isp.query('ROLLBACK')
    const between = await readTenantStates(target, ids)
    expect(differences(before, between)).toHaveLength(1)
    const done = await restoreTenant(target, { from })
    expect(done.map(({ service, outcome: how }) => `${service} ${how}`)).toEqual([
      'management already',
      'isp restored',
    ])
    expect(await readTenantStates(target, ids)).toEqual(before)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}, 60_000)
