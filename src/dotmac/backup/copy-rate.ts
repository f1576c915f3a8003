/** How fast a tenant's restore is beside a plain COPY of the same rows: both interleaved, told as a ratio. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { services } from '../../model/tenancy.ts'
import { copyFromFile } from '../../postgres/session/copy-file.ts'
import { identifier } from '../../sql/identifier.ts'
import { openBackupSession, type BackupPlatform } from './backup-platform.ts'
import { backupTenant } from './backup-tenant.ts'
import type { Manifest } from './manifest.ts'
import { restoreTenant } from './restore-tenant.ts'
import { tenantTables, type TenantPlace } from './tenant-tables.ts'

export interface CopyRate {
  readonly rows: number
  /** Rate of the restore over the rate of plain COPY, for each round; the bound is 0.5. */
  readonly ratios: readonly number[]
}

export interface CopyRateOptions {
  readonly tenant: string
  /** Default 5. */
  readonly rounds?: number
}

/**
 * A tenant that was lost, its rows vacuumed away, comes back either way, in turn. Plain COPY means: the same files into
 * the same live tables, triggers and foreign keys silenced, one committed transaction per database. The restore
 * verifies, copies, checks foreign keys and proves what it stored. Leaves the platform as it found it unless it
 * fails: for a server of one's own, because the tenant is gone meanwhile. Rows that are still there are replaced more
 * slowly: they have to be deleted first, and their index entries are in the way until the next vacuum.
 */
export async function measureCopyRate(
  platform: BackupPlatform,
  { tenant, rounds = 5 }: CopyRateOptions,
): Promise<CopyRate> {
  const directory = await mkdtemp(join(tmpdir(), 'watertight-rate-'))
  try {
    const from = join(directory, 'tenant')
    const manifest = await backupTenant(platform, tenant, { to: from })
    const ways = {
      plain: () => timed(() => copyPlainly(platform, manifest, from)),
      restored: () => timed(() => restoreTenant(platform, { from })),
    }
    const ratios: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      // Either way the tenant is there again at the end of a round.
      const order =
        round % 2 === 0 ? (['plain', 'restored'] as const) : (['restored', 'plain'] as const)
      const ms = { plain: 0, restored: 0 }
      for (const way of order) {
        await lose(platform, manifest)
        ms[way] = await ways[way]()
      }
      ratios.push(ms.plain / ms.restored)
    }
    const tables = Object.values(manifest.databases).flatMap((entry) => entry.tables)
    return { rows: tables.reduce((sum, { rows }) => sum + rows, 0), ratios }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** Every row of the tenant, and what it would leave behind in the indexes. */
async function lose(platform: BackupPlatform, manifest: Manifest): Promise<void> {
  for (const service of services) {
    await using session = await openBackupSession(platform, service)
    const place = placeOf(platform, manifest)
    const tables = await tenantTables(session, service, place)
    await session.query('BEGIN; SET LOCAL session_replication_role = replica')
    for (const { address, where } of tables)
      await session.query(`DELETE FROM ${address} WHERE ${where}`)
    await session.query('COMMIT')
    await session.query(
      `VACUUM (INDEX_CLEANUP ON) ${tables.map(({ address }) => address).join(', ')}`,
    )
  }
}

async function copyPlainly(
  platform: BackupPlatform,
  manifest: Manifest,
  from: string,
): Promise<void> {
  for (const service of services) {
    await using session = await openBackupSession(platform, service)
    const tables = await tenantTables(session, service, placeOf(platform, manifest))
    await session.query('BEGIN; SET LOCAL session_replication_role = replica')
    for (const { address, name, columns } of tables) {
      const file =
        manifest.databases[service]?.tables.find(({ table }) => table === name)?.file ?? ''
      const names = columns.map(({ name }) => identifier(name)).join(', ')
      await copyFromFile(session, `COPY ${address} (${names}) FROM STDIN`, join(from, file))
    }
    await session.query('COMMIT')
  }
}

function placeOf({ tenancy }: BackupPlatform, { tenant, tenantSchema }: Manifest): TenantPlace {
  return { tenancy, tenant: tenant ?? '', tenantSchema }
}
