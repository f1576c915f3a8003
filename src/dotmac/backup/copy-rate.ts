/** How fast a tenant's restore is beside a plain COPY of the same rows: both interleaved, told as a ratio. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { services } from '../../model/tenancy.ts'
import { copyFromFile } from '../../postgres/copy-file.ts'
import { identifier, literal } from '../../postgres/identifier.ts'
import { openBackupSession, type BackupPlatform } from './backup-platform.ts'
import { backupTenant } from './backup-tenant.ts'
import type { Manifest } from './manifest.ts'
import { restoreTenant } from './restore-tenant.ts'
import { tenantTables } from './tenant-tables.ts'

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
 * Plain COPY means: the same files into empty tables of the same columns, keys, checks and indexes, in one
 * transaction per database. The restore verifies, deletes, copies, checks foreign keys and proves what it stored.
 * Leaves the platform as it found it.
 */
export async function measureCopyRate(
  platform: BackupPlatform, { tenant, rounds = 5 }: CopyRateOptions,
): Promise<CopyRate> {
  const directory = await mkdtemp(join(tmpdir(), 'watertight-rate-'))
  try {
    const from = join(directory, 'tenant')
    const manifest = await backupTenant(platform, tenant, { to: from })
    const ratios: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const plainFirst = round % 2 === 0
      const early = plainFirst ? await plainCopyMs(platform, manifest, from) : null
      const restored = await restoreMs(platform, manifest, from)
      ratios.push((early ?? await plainCopyMs(platform, manifest, from)) / restored)
    }
    const tables = Object.values(manifest.databases).flatMap((entry) => entry.tables)
    return { rows: tables.reduce((sum, { rows }) => sum + rows, 0), ratios }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Both databases are made to differ first, or the restore would find nothing to do. */
async function restoreMs(platform: BackupPlatform, manifest: Manifest, from: string): Promise<number> {
  for (const service of services) {
    await using session = await openBackupSession(platform, service)
    const entry = manifest.databases[service]?.tables.find(({ table }) => table === leafOf[service])
    if (entry === undefined) continue
    await session.query(`DELETE FROM ${identifier(entry.schema)}.${identifier(entry.table)}
      WHERE ctid IN (SELECT ctid FROM ${identifier(entry.schema)}.${identifier(entry.table)}
        WHERE tenant_id = ${literal(manifest.tenant ?? '')} LIMIT 1) AND tenant_id = ${literal(manifest.tenant ?? '')}`)
  }
  const started = performance.now()
  await restoreTenant(platform, { from })
  return performance.now() - started
}

/** Tables that nothing refers to. */
const leafOf = { management: 'tasks_runs', isp: 'isp_network_links' } as const

/** Into a scratch schema that is rolled back; tables are made before the clock starts. */
async function plainCopyMs(platform: BackupPlatform, manifest: Manifest, from: string): Promise<number> {
  let elapsedMs = 0
  for (const service of services) {
    await using session = await openBackupSession(platform, service)
    const place = { tenancy: platform.tenancy, tenant: manifest.tenant ?? '', tenantSchema: manifest.tenantSchema }
    await session.query('BEGIN; CREATE SCHEMA watertight_rate')
    const tables = await tenantTables(session, service, place)
    for (const { address, model } of tables) {
      await session.query(`CREATE TABLE watertight_rate.${identifier(model.name)} (LIKE ${address} INCLUDING ALL)`)
    }
    const started = performance.now()
    for (const { model, columns } of tables) {
      const file = manifest.databases[service]?.tables.find(({ table }) => table === model.name)?.file ?? ''
      const names = columns.map(({ name }) => identifier(name)).join(', ')
      const into = `watertight_rate.${identifier(model.name)} (${names})`
      await copyFromFile(session, `COPY ${into} FROM STDIN`, join(from, file))
    }
    elapsedMs += performance.now() - started
    await session.query('ROLLBACK')
  }
  return elapsedMs
}
