/** What every tenant has, as counts and content hashes: a recovery is judged by it, and so is a restore's reach. */

import { services } from '../../model/tenancy.ts'
import { openBackupSession, type BackupPlatform } from '../backup/backup-platform.ts'
import {
  countAndHash,
  tenantSchemaOf,
  tenantTables,
  type TenantPlace,
} from '../backup/tenant-tables.ts'

/** By tenant: a line `table rows hash` for each table of both databases. */
export type TenantStates = ReadonlyMap<string, readonly string[]>

/** Reads each database in one snapshot. */
export async function readTenantStates(
  platform: BackupPlatform,
  tenants: readonly string[],
): Promise<TenantStates> {
  const places: TenantPlace[] = []
  await using management = await openBackupSession(platform, 'management')
  for (const tenant of tenants) {
    const tenantSchema = await tenantSchemaOf(management, platform.tenancy, tenant)
    places.push({ tenancy: platform.tenancy, tenant, tenantSchema })
  }
  const states = new Map<string, string[]>(tenants.map((tenant) => [tenant, []]))
  for (const service of services) {
    await using session = await openBackupSession(platform, service)
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    for (const place of places) {
      for (const table of await tenantTables(session, service, place)) {
        const { rows, contentHash } = await countAndHash(session, table.address, table)
        states.get(place.tenant)?.push(`${service} ${table.address} ${rows} ${contentHash}`)
      }
    }
    await session.query('COMMIT')
  }
  return states
}

/** One sentence for each tenant whose rows differ; none when all are the same. */
export function differences(expected: TenantStates, found: TenantStates): readonly string[] {
  return [...expected].flatMap(([tenant, lines]) => {
    const now = found.get(tenant) ?? []
    const first = lines.find((line, index) => line !== now[index])
    return first === undefined && lines.length === now.length
      ? []
      : [`Tenant ${JSON.stringify(tenant)} differs: expected ${first ?? 'nothing more'}`]
  })
}
