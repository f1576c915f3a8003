/** `watertight dotmac audit`: reads the trail; `dotmac audit partitions` keeps as much of it as is wanted. */

import type { Command } from 'commander'
import { platformFlags, withPlatformFlags } from './platform-flags.ts'

export function addAudit(dotmac: Command, finish: (code: number) => void): void {
  const audit = dotmac.command('audit').description('the audit trail of both databases')
  withPlatformFlags(audit.command('list', { isDefault: true }))
    .description('print the newest entries, of all tenants or of one')
    .option('--tenant <id>', 'only what this tenant did')
    .option('--since <time>', 'ISO time, or a span that ends now: 90m, 24h, 7d')
    .option('--refused', 'only what was refused')
    .option('--limit <count>', 'entries of each database at most', '100')
    .option('--json', 'print JSON')
    .action(async (given: Record<string, unknown>) => {
      const { runAuditList } = await import('./run-audit.ts')
      finish(await runAuditList(given, platformFlags(given)))
    })
  withPlatformFlags(audit.command('partitions'))
    .description('partition the trail by month: make the months ahead, drop those that are too old')
    .option('--ahead <months>', 'months made beyond the current one', '3')
    .option(
      '--keep <months>',
      'whole months kept before the current one; older partitions are dropped, and ' +
        'older entries outside of every month deleted (default: all are kept)',
    )
    .option('--json', 'print JSON')
    .action(async (given: Record<string, unknown>) => {
      const { runAuditPartitions } = await import('./run-audit.ts')
      finish(await runAuditPartitions(given, platformFlags(given)))
    })
}
