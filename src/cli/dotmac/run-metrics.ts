/** Collects the metrics and prints them. */

import { collectMetrics, prometheusText } from '../../dotmac/metrics/collect-metrics.ts'
import { tablesOf } from '../../dotmac/models/index.ts'
import { isTenantAware } from '../../dotmac/models/model.ts'
import { WatertightError } from '../../errors.ts'
import { openPlatform } from '../../run/platform-sessions.ts'
import { platformTarget, type PlatformFlags } from '../../run/platform-target.ts'

export async function runMetrics(given: Readonly<Record<string, unknown>>, flags: PlatformFlags): Promise<number> {
  const target = platformTarget(flags)
  const table = String(given['table'])
  const isKnown = tablesOf('isp').some((each) => each.name === table && isTenantAware(each))
  if (target.tenancy !== 'row-level-security' || !isKnown) {
    throw new WatertightError('WATERTIGHT_BAD_FLAG', `There are no metrics of ${JSON.stringify(table)} in this mode`, {
      hint: 'Name a table of tenants in the ISP database, under row-level security' })
  }
  await using platform = await openPlatform(target)
  const samples = await collectMetrics(platform.sessions.isp, table)
  if (given['json'] === true) console.log(JSON.stringify(samples, null, 2))
  else process.stdout.write(prometheusText(samples))
  return 0
}
