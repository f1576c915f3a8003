/** Runs the backup or the restore of a tenant and says what it did. */

import { backupTenant } from '../../dotmac/backup/backup-tenant.ts'
import { restoreTenant } from '../../dotmac/backup/restore-tenant.ts'
import { mappedTenants } from '../../dotmac/migrations/migrate.ts'
import type { MappedTenant } from '../../dotmac/migrations/places.ts'
import { tenantNames } from '../../dotmac/tenant-names.ts'
import { WatertightError } from '../../errors.ts'
import { openPlatform, type PlatformSessions } from '../../run/platform-sessions.ts'
import { platformTarget, type PlatformFlags, type PlatformTarget } from '../../run/platform-target.ts'

type Given = Readonly<Record<string, unknown>>

export async function runBackup(given: Given, flags: PlatformFlags): Promise<number> {
  const target = platformTarget(flags)
  const id = String(given['tenant'])
  await using platform = await openPlatform(target)
  const tenant = (await known(platform, target)).find((each) => each.id === id)
  if (tenant === undefined) {
    throw new WatertightError('WATERTIGHT_NO_TENANT', `There is no tenant ${JSON.stringify(id)}`, {
      hint: 'Name it as the tenants table of the management database does' })
  }
  const directory = String(given['to'])
  const manifest = await backupTenant({ tenancy: target.tenancy, tenant, sessions: platform.sessions, directory })
  if (given['json'] === true) console.log(JSON.stringify(manifest, null, 2))
  else {
    const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0)
    console.log(`${rows} rows of ${manifest.tables.length} tables of tenant ${id} are in ${directory}`)
  }
  return 0
}

export async function runRestore(
  directory: string, { given, flags }: { readonly given: Given; readonly flags: PlatformFlags },
): Promise<number> {
  const target = platformTarget(flags)
  const id = String(given['tenant'])
  if (given['yes'] !== true) {
    throw new WatertightError('WATERTIGHT_NOT_CONFIRMED',
      `A restore replaces all rows of tenant ${JSON.stringify(id)}, and it is not confirmed`, { hint: 'Add --yes' })
  }
  await using platform = await openPlatform(target)
  // A tenant that was lost whole is not in the tenants table any more: its names follow from its id.
  const tenant = (await known(platform, target)).find((each) => each.id === id) ?? { id, ...tenantNames(id) }
  const done = await restoreTenant({ tenancy: target.tenancy, tenant, sessions: platform.sessions, directory })
  console.log(`${done.rows} rows of ${done.tables} tables of tenant ${id} are as the backup has them`)
  return 0
}

function known({ sessions }: PlatformSessions, { tenancy }: PlatformTarget): Promise<readonly MappedTenant[]> {
  return mappedTenants(sessions.management, tenancy)
}
