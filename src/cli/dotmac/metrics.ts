/** `watertight dotmac metrics`: rows per tenant, scans of tenant indexes, refused accesses, of the ISP database. */

import type { Command } from 'commander'
import { platformFlags, withPlatformFlags } from './platform-flags.ts'

export function addMetrics(dotmac: Command, finish: (code: number) => void): void {
  withPlatformFlags(dotmac.command('metrics'))
    .description('print metrics of the ISP database as Prometheus text (row-level security only)')
    .option('--table <name>', 'table whose rows are counted by tenant', 'isp_customers')
    .option('--json', 'print JSON')
    .action(async (given: Record<string, unknown>) => {
      const { runMetrics } = await import('./run-metrics.ts')
      finish(await runMetrics(given, platformFlags(given)))
    })
}
