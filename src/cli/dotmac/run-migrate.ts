/** Runs the migration and prints a line for each place. */

import { readConfiguration } from '../../dotmac/configuration.ts'
import { driftOf, tenantVersions, type Drift } from '../../dotmac/migrations/drift.ts'
import { expectedShape } from '../../dotmac/migrations/expected-shape.ts'
import {
  mappedTenants,
  migrate,
  type Migrated,
  type MigrateOptions,
} from '../../dotmac/migrations/migrate.ts'
import type { Upgraded } from '../../dotmac/migrations/upgrade.ts'
import { WatertightError } from '../../errors.ts'
import { services, type Service } from '../../model/tenancy.ts'
import { visible } from '../../report/text.ts'
import { openPlatform } from '../../reference/platform/platform-sessions.ts'
import { platformTarget, type PlatformFlags } from '../../reference/platform/platform-target.ts'

/** Exit 0 when every place is at its version, 1 when a tenant stayed behind or drifted. */
export async function runMigrate(
  given: Readonly<Record<string, unknown>>,
  flags: PlatformFlags,
): Promise<number> {
  const target = platformTarget(flags)
  const wanted = wantedOf(given)
  const { dryRun = false } = wanted
  await using platform = await openPlatform(target, { create: !dryRun, migrated: false })
  const { tenancy, roles } = target
  const { requireTenantColumn, enableAuditTriggers: auditTriggers } = readConfiguration(process.env)
  const { sessions } = platform
  const options: MigrateOptions = {
    tenancy,
    roles,
    sessions,
    requireTenantColumn,
    auditTriggers,
    ...wanted,
  }
  const json = given['json'] === true
  const onPlace = (place: Upgraded) => {
    if (!json) console.log(lineOf(place, dryRun))
  }
  const done = await migrate({ ...options, onPlace })
  const drift = dryRun || tenancy === 'row-level-security' ? [] : await driftIn(options)
  if (json) console.log(JSON.stringify({ ...done, drift }, null, 2))
  else printTrouble(done, drift)
  return done.failed.length + drift.length > 0 ? 1 : 0
}

function wantedOf(given: Readonly<Record<string, unknown>>): Partial<MigrateOptions> {
  const { service, tenant, to, directory } = given
  if (service !== undefined && !services.includes(service as Service)) {
    throw badFlag(
      `--service ${String(service)} is neither management nor isp`,
      'Leave it out to migrate both',
    )
  }
  if (to !== undefined && !/^[1-9]\d{0,8}$/.test(String(to))) {
    throw badFlag(`--to ${String(to)} is no version`, 'Give the number of a migration, e.g. --to 2')
  }
  return {
    dryRun: given['dryRun'] === true,
    ...(service === undefined ? {} : { services: [service as Service] }),
    ...(Array.isArray(tenant) ? { tenants: tenant as string[] } : {}),
    ...(typeof directory === 'string' ? { directory } : {}),
    ...(to === undefined ? {} : { to: Number(to) }),
  }
}

function badFlag(message: string, hint: string): WatertightError {
  return new WatertightError('WATERTIGHT_BAD_FLAG', message, { hint })
}

/** Compared with what the migrations make, so that one tenant's drift is seen as well as everybody's. */
async function driftIn(options: MigrateOptions): Promise<readonly Drift[]> {
  const { sessions, tenancy, services: asked = services } = options
  const tenants = await mappedTenants(sessions.management, tenancy)
  const drift: Drift[] = []
  for (const service of asked) {
    const versions = await tenantVersions(sessions[service], service, tenants)
    const version = Math.max(0, ...versions.map((each) => each.version ?? 0))
    if (version === 0) drift.push(...driftOf(versions))
    else
      drift.push(
        ...driftOf(
          versions,
          await expectedShape(sessions[service], { ...options, service, version }),
        ),
      )
  }
  return drift
}

function lineOf(
  { title: named, from, to, applied, guards, auditTriggers }: Upgraded,
  dryRun: boolean,
): string {
  const title = visible(named)
  const { added, removed } = auditTriggers
  const audit = [
    [added, 'added'],
    [removed, 'removed'],
  ] as const
  const triggers = audit.flatMap(([{ length }, did]) =>
    length === 0 ? [] : [`\n  ${length} audit triggers ${did}`],
  )
  if (applied.length === 0) return `${title}: at version ${to}${triggers.join('')}`
  const verb = dryRun ? 'would go' : 'went'
  const did = guards
    .flatMap((guard) => guard.did.map((what) => `\n  ${guard.table}: ${what}`))
    .join('')
  return `${title}: ${verb} from ${from} to ${to} (${applied.join(', ')})${did}${triggers.join('')}`
}

function printTrouble({ failed }: Migrated, drift: readonly Drift[]): void {
  for (const { title, error } of failed) console.log(visible(`${title}: stayed behind: ${error}`))
  for (const { tenant, service, sentence } of drift) {
    console.log(visible(`tenant ${tenant} in ${service}: drift: it ${sentence}`))
  }
}
