/** Collects the metrics and prints them. */

import { collectMetrics } from '../../dotmac/metrics/collect-metrics.ts'
import { prometheusText, type Sample } from '../../dotmac/metrics/sample.ts'
import { mappedTenants } from '../../dotmac/migrations/migrate.ts'
import { tablesOf } from '../../dotmac/models/index.ts'
import { tenantsHere, type TenantWithout } from '../../dotmac/tenants-here.ts'
import { WatertightError } from '../../errors.ts'
import { services, type Service } from '../../model/tenancy.ts'
import { openPlatform } from '../../reference/platform/platform-sessions.ts'
import { platformTarget, type PlatformFlags } from '../../reference/platform/platform-target.ts'
import { toldWithout } from './told-without.ts'

const usualTables: Readonly<Record<Service, string>> = {
  management: 'tasks_jobs',
  isp: 'isp_customers',
}

/** Of both databases, or with --table of the one that has it. Exit 3 when a tenant's tables are lost. */
export async function runMetrics(
  given: Readonly<Record<string, unknown>>,
  flags: PlatformFlags,
): Promise<number> {
  const target = platformTarget(flags)
  const { tenancy, roles } = target
  const wanted = wantedOf(given['table'])
  await using platform = await openPlatform(target)
  const { sessions } = platform
  const tenants = await mappedTenants(sessions.management, tenancy)
  const samples: Sample[] = []
  const without: TenantWithout[] = []
  for (const [service, table] of wanted) {
    const session = sessions[service]
    const tables = ['audit_tenant_access', table]
    const placed = await tenantsHere(service, { sessions, tenancy, tenants, tables })
    without.push(...placed.without)
    const schemas =
      tenancy === 'row-level-security' ? ['public'] : placed.here.map(({ schema }) => schema)
    samples.push(...(await collectMetrics({ service, tenancy, roles, session, table, schemas })))
  }
  if (given['json'] === true) console.log(JSON.stringify(samples, null, 2))
  else process.stdout.write(prometheusText(samples))
  return toldWithout(without)
}

function wantedOf(table: unknown): readonly (readonly [Service, string])[] {
  if (table === undefined)
    return services.map((service) => [service, usualTables[service]] as const)
  const found = services.flatMap((service) =>
    tablesOf(service)
      .filter(
        ({ name, placement, mixin }) =>
          name === table && placement === 'tenant' && mixin !== 'audit',
      )
      .map(({ name }) => [service, name] as const),
  )
  if (found.length > 0) return found
  throw new WatertightError(
    'WATERTIGHT_BAD_FLAG',
    `There is no table ${JSON.stringify(table)} with tenants' rows`,
    { hint: "Name one of the platform's own, such as isp_customers" },
  )
}
