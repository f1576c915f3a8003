import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { services } from '../../model/tenancy.ts'
import type { Session } from '../../postgres/session/session.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { readTenantStates } from '../recovery/tenant-states.ts'
import { backupFull } from './backup-full.ts'
import { onOneServer } from './backup-platform.ts'
import { everyTable } from './every-table.ts'
import type { Manifest } from './manifest.ts'
import { restoreFull } from './restore-full.ts'

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'a full backup by COPY fills empty databases with its very rows, and nothing else is filled, %s',
  async (tenancy) => {
    await using platform = await PlatformOnTrial.start({ tenancy, rows: 30 })
    const scratch = await mkdtemp(join(tmpdir(), 'whole-'))
    const target = onOneServer(platform.open.site.address, {
      tenancy,
      databases: { management: platform.database('management'), isp: platform.database('isp') },
    })
    try {
      const from = join(scratch, 'full')
      const isp = await platform.admin('isp')
      await isp.query(`CREATE TABLE "it's ""counted" (id int GENERATED ALWAYS AS IDENTITY, note text);
        INSERT INTO "it's ""counted" (note) VALUES ('a'), (E'\\\\.\n')`)
      const manifest = await backupFull(target, { to: from, method: 'copy' })
      const ids = platform.tenants.map(({ id }) => id)
      const before = await readTenantStates(target, ids)
      const refused = (code: string) =>
        expect(restoreFull(target, manifest, { from })).rejects.toMatchObject({ code })
      await refused('WATERTIGHT_RESTORE_NOT_EMPTY')
      for (const service of services) {
        const admin = await platform.admin(service)
        const tables = (await everyTable(admin)).map(({ address }) => address)
        await admin.query(`TRUNCATE ${tables.join(', ')} RESTART IDENTITY CASCADE`)
      }
      // The second database does not prove: the first, which did, stays empty too.
      await expect(restoreFull(target, withOtherHash(manifest), { from })).rejects.toMatchObject({
        code: 'WATERTIGHT_BACKUP_MISMATCH',
      })
      expect(await filledTables(await platform.admin('management'))).toEqual([])
      await restoreFull(target, manifest, { from })
      expect(await readTenantStates(target, ids)).toEqual(before)
      const [next] = await isp.query(
        `INSERT INTO "it's ""counted" (note) VALUES ('next') RETURNING id`,
      )
      expect(Number(next?.['id'])).toBe(3)
      const schema =
        tenancy === 'row-level-security' ? 'public' : `"${platform.tenants[0]?.schema ?? ''}"`
      const [row] = await isp.query(`SELECT nextval('${schema}.isp_billing_ledger_seq') AS next,
        (SELECT count(*) FROM ${schema}.isp_analytics_monthly) AS months`)
      expect([Number(row?.['next']) > 1, Number(row?.['months']) > 0]).toEqual([true, true])
      const empty = (await everyTable(isp)).map(({ address }) => address).join(', ')
      await isp.query(`TRUNCATE ${empty} CASCADE`)
      await appendFile(join(from, manifest.databases.isp?.tables[0]?.file ?? ''), 'x\n')
      await refused('WATERTIGHT_BACKUP_MISMATCH')
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  },
  60_000,
)

/** The last table of the ISP database is said to have had other rows. */
function withOtherHash(manifest: Manifest): Manifest {
  const { isp } = manifest.databases
  if (isp === undefined) throw new Error('There is no isp database in the backup')
  const last = isp.tables.length - 1
  const tables = isp.tables.map((each, index) =>
    index === last ? { ...each, contentHash: '1/2' } : each,
  )
  return { ...manifest, databases: { ...manifest.databases, isp: { ...isp, tables } } }
}

async function filledTables(session: Session): Promise<readonly string[]> {
  const filled: string[] = []
  for (const { address, schema } of await everyTable(session)) {
    if (schema === 'dotmac_migrations') continue
    const rows = await session.query(`SELECT 1 FROM ${address} LIMIT 1`)
    if (rows.length > 0) filled.push(address)
  }
  return filled
}
