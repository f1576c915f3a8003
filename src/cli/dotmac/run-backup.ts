/** What `dotmac backup` and `dotmac restore` do with their flags, and what they print. */

import { backupFull } from '../../dotmac/backup/backup-full.ts'
import { onOneServer } from '../../dotmac/backup/backup-platform.ts'
import { backupTenant } from '../../dotmac/backup/backup-tenant.ts'
import { readManifest, type Manifest } from '../../dotmac/backup/manifest.ts'
import { restoreFull, verifyFullFiles } from '../../dotmac/backup/restore-full.ts'
import { restoreTenant } from '../../dotmac/backup/restore-tenant.ts'
import { verifyFiles } from '../../dotmac/backup/verify-backup.ts'
import { standardRoles } from '../../dotmac/roles.ts'
import { WatertightError } from '../../errors.ts'
import { visible } from '../../report/text.ts'
import { requirePlatform } from '../../reference/platform/platform-sessions.ts'
import { platformTarget, type PlatformFlags } from '../../reference/platform/platform-target.ts'

type Flags = Readonly<Record<string, unknown>>

/** @throws WatertightError WATERTIGHT_BAD_FLAG, and those of backupTenant and backupFull. */
export async function runBackup(platform: PlatformFlags, flags: Flags): Promise<string> {
  const { tenant, full, to } = flags
  if ((typeof tenant === 'string') === (full === true)) {
    throw new WatertightError('WATERTIGHT_BAD_FLAG', 'A backup is either of one tenant or full', {
      hint: 'Give exactly one of --tenant ID and --full',
    })
  }
  const target = platformTarget(platform)
  await requirePlatform(target)
  const from = onOneServer(target.address, target)
  const options = { to: String(to) }
  const manifest =
    typeof tenant === 'string'
      ? await backupTenant(from, tenant, options)
      : await backupFull(from, {
          ...options,
          ...(flags['copy'] === true ? { method: 'copy' as const } : {}),
        })
  return flags['json'] === true ? JSON.stringify(manifest, null, 2) : summary(manifest, options.to)
}

/** Without --yes it says what would be replaced and changes nothing. */
export async function runRestore(
  directory: string,
  platform: PlatformFlags,
  flags: Flags,
): Promise<string> {
  const manifest = await readManifest(directory)
  if (flags['yes'] !== true) {
    await (manifest.kind === 'full' ? verifyFullFiles : verifyFiles)(directory, manifest)
    const rows = rowsOf(manifest)
    throw new WatertightError(
      'WATERTIGHT_CONFIRM',
      manifest.tenant === null
        ? `This would put ${rows} rows into two databases`
        : `This would replace all rows of the tenant ${JSON.stringify(manifest.tenant)} by ${rows} rows`,
      { hint: 'Nothing was changed. Give --yes to restore' },
    )
  }
  const target = platformTarget(platform)
  const into = onOneServer(target.address, target)
  if (manifest.kind === 'full') {
    const whole = await restoreFull(into, manifest, {
      from: directory,
      createRoles: flags['create'] === true,
    })
    if (flags['json'] === true) return JSON.stringify({ databases: whole }, null, 2)
    return whole
      .map(
        ({ service, tables, rows }) =>
          `${service}: ${rows} rows of ${tables} tables restored, equal to the manifest`,
      )
      .join('\n')
  }
  await requirePlatform(target)
  const create = flags['create'] === true ? { createSchemas: standardRoles } : {}
  const done = await restoreTenant(into, { from: directory, ...create })
  if (flags['json'] === true)
    return JSON.stringify({ tenant: manifest.tenant, databases: done }, null, 2)
  return done
    .map(({ service, outcome, rows }) =>
      outcome === 'already'
        ? `${service}: the rows already are those of the backup`
        : `${service}: ${rows} rows written, all equal to the manifest`,
    )
    .join('\n')
}

function summary(manifest: Manifest, to: string): string {
  const whose = manifest.tenant === null ? 'both databases' : visible(manifest.tenant)
  const point = manifest.samePoint
    ? 'at one point of both databases'
    : 'the two databases at points of their own (see takenAt in the manifest)'
  return `Backup of ${whose} in ${visible(to)}: ${rowsOf(manifest)} rows, ${manifest.method}, ${point}`
}

function rowsOf(manifest: Manifest): number {
  return Object.values(manifest.databases)
    .flatMap(({ tables }) => tables)
    .reduce((sum, { rows }) => sum + rows, 0)
}
