/** Full backups by a real pg_dump, on a server that is not newer than the pg_dump of this machine. */

import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { services, type Service } from '../../model/tenancy.ts'
import { identifier } from '../../sql/identifier.ts'
import { findPgDump, runPgDump } from '../../postgres/programs/pg-dump.ts'
import { dumpableServer } from '../../testing/dumpable-server.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { backupFull } from './backup-full.ts'
import { onOneServer } from './backup-platform.ts'

const { version, why } = await dumpableServer()

/** Names that a reader of the dump could take for something else. */
const strange = [
  'odd "name" (x) FROM stdin;',
  'two\nlines',
  'COPY a.b (c) FROM stdin;\n\\.',
  "it's \\ a.b",
  'Émile',
]

async function withPlatform(
  work: (platform: PlatformOnTrial, scratch: string) => Promise<void>,
): Promise<void> {
  await using platform = await PlatformOnTrial.start({
    rows: 30,
    ...(version === null ? {} : { version }),
  })
  const scratch = await mkdtemp(join(tmpdir(), 'dump-'))
  try {
    await work(platform, scratch)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

function targetOf(platform: PlatformOnTrial, address = platform.open.site.address) {
  const { tenancy } = platform
  return onOneServer(address, {
    tenancy,
    databases: { management: platform.database('management'), isp: platform.database('isp') },
  })
}

test.skipIf(version === null)(
  `pg_dump's rows are those of one snapshot, whatever a table is named and whoever writes${why}`,
  async () => {
    await withPlatform(async (platform, scratch) => {
      const isp = await platform.admin('isp')
      for (const [index, name] of strange.entries()) {
        await isp.query(`CREATE TABLE ${identifier(name)} (id int, "no
te" text); INSERT INTO ${identifier(name)} SELECT n, E'\\\\.\\n' FROM generate_series(0, ${index}) n`)
      }
      const target = targetOf(platform)
      const writing = new AbortController()
      const writer = Promise.all(
        services.map((service) => write(platform, service, writing.signal)),
      )
      const manifest = await backupFull(target, { to: join(scratch, 'full') })
      writing.abort()
      expect((await writer).every((written) => written > 10)).toBe(true)
      expect(manifest.method).toMatch(/^pg_dump \d/)
      const tables = manifest.databases.isp?.tables ?? []
      expect(strange.map((name) => tables.find(({ table }) => table === name)?.rows)).toEqual([
        1, 2, 3, 4, 5,
      ])
      expect(tables.find(({ table }) => table === 'isp_analytics_usage')?.rows).toBeGreaterThan(0)
      for (const service of services) {
        const file = await readFile(join(scratch, 'full', service, 'dump.sql'))
        const [entry] = manifest.databases[service]?.tables ?? []
        expect([entry?.sha256, entry?.bytes]).toEqual([
          createHash('sha256').update(file).digest('hex'),
          file.length,
        ])
      }
    })
  },
  60_000,
)

test.skipIf(version === null)(
  `a dump that leaves rows out is not kept, and neither is one by the tables' owner${why}`,
  async () => {
    await withPlatform(async (platform, scratch) => {
      const isp = await platform.admin('isp')
      const {
        address,
        namespace: {
          roles: { owner },
        },
      } = platform.open.site
      await isp.query(`ALTER ROLE ${identifier(owner)} LOGIN PASSWORD 'of the owner'`)
      for (const service of services) {
        await isp.query(
          `GRANT CONNECT ON DATABASE ${identifier(platform.database(service))} TO ${identifier(owner)}`,
        )
      }
      const asOwner = { ...address, user: owner, password: 'of the owner' }
      await expect(
        backupFull(targetOf(platform, asOwner), { to: join(scratch, 'owner') }),
      ).rejects.toMatchObject({ code: 'WATERTIGHT_RIGHTS' })
      expect(await readdir(scratch)).toEqual([])
      // Why it must be refused: FORCE hides every row from the owner's pg_dump, which is content with that.
      await isp.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      const [row] = await isp.query(
        'SELECT pg_export_snapshot() AS id, (SELECT count(*) FROM isp_customers) AS n',
      )
      const program = await findPgDump(0)
      if (program === null) throw new Error('There is no pg_dump')
      const blind = await runPgDump(program, {
        address: asOwner,
        database: platform.database('isp'),
        snapshot: String(row?.['id']),
        schema: 'public',
        to: join(scratch, 'blind.sql'),
      })
      await isp.query('COMMIT')
      await rm(join(scratch, 'blind.sql'))
      expect([Number(row?.['n']) > 0, blind.rows.get('public.isp_customers')]).toEqual([true, 0])
      // pg_dump leaves the rows of an extension's tables out, and ends with 0.
      await isp.query(
        'CREATE TABLE of_extension AS SELECT 1 AS n; ALTER EXTENSION plpgsql ADD TABLE of_extension',
      )
      await expect(
        backupFull(targetOf(platform), { to: join(scratch, 'short') }),
      ).rejects.toMatchObject({ code: 'WATERTIGHT_BACKUP_SHORT' })
      expect(await readdir(scratch)).toEqual([])
    })
  },
  60_000,
)

/** Rows into one table until told to stop; returns how many were committed. */
async function write(
  platform: PlatformOnTrial,
  service: Service,
  until: AbortSignal,
): Promise<number> {
  const session = await platform.admin(service)
  await session.query('CREATE TABLE busy (n int)')
  let written = 0
  while (!until.aborted) {
    await session.query(`INSERT INTO busy VALUES (${written})`)
    written += 1
  }
  return written
}
