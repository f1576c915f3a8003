/** `watertight dotmac migrate`: brings both databases to the newest version, management first. */

import type { Command } from 'commander'
import { platformFlags, withPlatformFlags } from './platform-flags.ts'

export function addMigrate(dotmac: Command, finish: (code: number) => void): void {
  withPlatformFlags(dotmac.command('migrate'))
    .description(
      'migrate the management database, then the ISP database; exit 1 when a tenant stayed behind',
    )
    .option('--service <name>', 'management or isp alone (default both)')
    .option(
      '--tenant <id...>',
      'tenants whose schemas are upgraded (default all; with --mode schema)',
    )
    .option('--to <version>', "version at which tables (with --mode schema: tenants' schemas) stop")
    .option('--directory <folder>', "folder with <service>/migrations (default the platform's own)")
    .option('--dry-run', 'say what would run, and change nothing')
    .option('--json', 'print JSON')
    .action(async (given: Record<string, unknown>) => {
      const { runMigrate } = await import('./run-migrate.ts')
      finish(await runMigrate(given, platformFlags(given)))
    })
}
