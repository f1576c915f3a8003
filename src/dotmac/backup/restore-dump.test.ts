/** A full backup by a real pg_dump, put back by a real psql into two databases that were not there before. */

import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { services, type Service } from '../../model/tenancy.ts'
import { identifier } from '../../sql/identifier.ts'
import { dumpableServer } from '../../testing/dumpable-server.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { readTenantStates } from '../recovery/tenant-states.ts'
import { validateIsolation } from '../recovery/validate-isolation.ts'
import { backupFull } from './backup-full.ts'
import { onOneServer, openBackupSession, type BackupPlatform } from './backup-platform.ts'
import type { Manifest, TableEntry } from './manifest.ts'
import { restoreFull } from './restore-full.ts'

const { version, why } = await dumpableServer()
const databases: Readonly<Record<Service, string>> = { management: 'back "m', isp: "back i'" }

test.skipIf(version === null).each(['row-level-security', 'schema-per-tenant'] as const)(
  `a dump fills two new databases with its very rows and policies, or leaves both empty, %s${why}`,
  async (tenancy) => {
    await using platform = await PlatformOnTrial.start({
      tenancy,
      rows: 30,
      ...(version === null ? {} : { version }),
    })
    const scratch = await mkdtemp(join(tmpdir(), 'dump-'))
    const { address, namespace, passwords } = platform.open.site
    const source = onOneServer(address, {
      tenancy,
      databases: { management: platform.database('management'), isp: platform.database('isp') },
    })
    const target = onOneServer(address, { tenancy, databases })
    try {
      const from = join(scratch, 'full')
      const isp = await platform.admin('isp')
      await isp.query('CREATE TABLE public."zz "" : \\ \'two\nlines" AS SELECT 1 AS "a "" \'b"')
      const manifest = await backupFull(source, { to: from })
      expect(manifest.method).toMatch(/^pg_dump/)
      for (const service of services)
        await isp.query(`CREATE DATABASE ${identifier(databases[service])}`)
      const refused = async (code: string, by = manifest) => {
        await expect(restoreFull(target, by, { from })).rejects.toMatchObject({ code })
        expect(await tablesOf(target)).toEqual([])
      }
      await refused('WATERTIGHT_BACKUP_MISMATCH', changed(manifest, { contentHash: '1/2' }))
      await restoreFull(target, manifest, { from })
      const ids = platform.tenants.map(({ id }) => id)
      expect(await readTenantStates(target, ids)).toEqual(await readTenantStates(source, ids))
      const login = { user: namespace.roles.app, password: passwords.app }
      expect(await validateIsolation(target, { tenants: platform.tenants, login })).toEqual([])
      await expect(restoreFull(target, manifest, { from })).rejects.toMatchObject({
        code: 'WATERTIGHT_RESTORE_NOT_EMPTY',
      })
      for (const service of services) {
        await isp.query(`DROP DATABASE ${identifier(databases[service])} WITH (FORCE)`)
        await isp.query(`CREATE DATABASE ${identifier(databases[service])}`)
      }
      // A file that is not the one that was written; and one that is, and fails at its very end.
      const file = join(from, 'isp', 'dump.sql')
      await appendFile(file, '\nSELECT 1/0;\n')
      await refused('WATERTIGHT_BACKUP_MISMATCH')
      const sha256 = createHash('sha256')
        .update(await readFile(file))
        .digest('hex')
      await refused('WATERTIGHT_PSQL', changed(manifest, { sha256 }))
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  },
  60_000,
)

/** Something else is said about every table of the ISP database. */
function changed(manifest: Manifest, by: Partial<TableEntry>): Manifest {
  const { isp } = manifest.databases
  if (isp === undefined) throw new Error('There is no isp database in the backup')
  const tables = isp.tables.map((each) => ({ ...each, ...by }))
  return { ...manifest, databases: { ...manifest.databases, isp: { ...isp, tables } } }
}

async function tablesOf(platform: BackupPlatform): Promise<readonly string[]> {
  const found: string[] = []
  for (const service of services) {
    await using session = await openBackupSession(platform, service)
    const rows =
      await session.query(`SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
    found.push(...rows.map(({ name }) => String(name)))
  }
  return found
}
