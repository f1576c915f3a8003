/** `watertight dotmac health`: the four checks on both databases; 0 healthy, 1 broken, 2 not reached, 3 undecided. */

import type { Command } from 'commander'
import { platformFlags, withPlatformFlags } from './platform-flags.ts'

export function addHealth(dotmac: Command, finish: (code: number) => void): void {
  withPlatformFlags(
    dotmac.command('health').description('check tenant isolation of both databases'),
  )
    .option('--app <dsn>', "the application's own login (or WATERTIGHT_APP_TARGET)")
    .option('--tenants <count>', 'tenants of whom statements are tried, at least 2', '4')
    .option('--json', 'print JSON only')
    .action(async (given: Readonly<Record<string, unknown>>) => {
      const { runHealth } = await import('./run-health.ts')
      finish(await runHealth(given, platformFlags(given)))
    })
}
