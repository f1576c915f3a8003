/** `watertight dotmac metrics`: query volume, index use, overhead of the policies, attempts across tenants. */

import type { Command } from 'commander'
import { platformFlags, withPlatformFlags } from './platform-flags.ts'

export function addMetrics(dotmac: Command, finish: (code: number) => void): void {
  withPlatformFlags(dotmac.command('metrics'))
    .description('print the metrics of both databases as Prometheus text')
    .option(
      '--table <name>',
      'table that is counted by tenant and measured (default isp_customers and tasks_jobs)',
    )
    .option('--json', 'print JSON')
    .action(async (given: Record<string, unknown>) => {
      const { runMetrics } = await import('./run-metrics.ts')
      finish(await runMetrics(given, platformFlags(given)))
    })
}
