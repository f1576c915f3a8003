import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findPgDump } from '../../postgres/programs/pg-dump.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { backupFull } from './backup-full.ts'
import { onOneServer } from './backup-platform.ts'
import { verifyFiles } from './verify-backup.ts'

test('a full backup holds every row of both databases, and no pg_dump older than the server is used', async () => {
  await using platform = await PlatformOnTrial.start({ rows: 30 })
  const scratch = await mkdtemp(join(tmpdir(), 'full-'))
  const { address } = platform.open.site
  const target = onOneServer(address, {
    tenancy: platform.tenancy,
    databases: { management: platform.database('management'), isp: platform.database('isp') },
  })
  try {
    const manifest = await backupFull(target, { to: join(scratch, 'full') })
    const program = await findPgDump(180_000)
    expect(manifest.method).toBe(program === null ? 'copy' : `pg_dump ${program.version}`)
    for (const service of ['management', 'isp'] as const) {
      const session = await platform.admin(service)
      for (const { schema, table, rows } of manifest.databases[service]?.tables ?? []) {
        const [row] = await session.query(`SELECT count(*) AS n FROM "${schema}"."${table}"`)
        expect(`${table} ${rows}`).toBe(`${table} ${String(row?.['n'])}`)
      }
    }
    expect(
      manifest.databases.isp?.tables.find(({ table }) => table === 'isp_analytics_usage')?.rows,
    ).toBeGreaterThan(0)
    if (manifest.method === 'copy') await verifyFiles(join(scratch, 'full'), manifest)
    // The application's login sees no rows at all: it must not be able to write an empty backup.
    const { namespace, passwords } = platform.open.site
    const login = { ...address, user: namespace.roles.app, password: passwords.app }
    await expect(
      backupFull(onOneServer(login, target), { to: join(scratch, 'blind') }),
    ).rejects.toMatchObject({ code: 'WATERTIGHT_RIGHTS' })
    expect(await readdir(scratch)).toEqual(['full'])
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
})
