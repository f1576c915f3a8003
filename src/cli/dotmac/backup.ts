/** `watertight dotmac backup`: a tenant's own backup, or full ones of both databases. */

import type { Command } from 'commander'
import { platformFlags, withPlatformFlags } from './platform-flags.ts'

export function addBackup(dotmac: Command, finish: (code: number) => void): void {
  withPlatformFlags(dotmac.command('backup'))
    .description('back up one tenant (--tenant) or both databases (--full) into a new directory')
    .option('--tenant <id>', 'the tenant, exactly as in tenant_id')
    .option('--full', 'every table of both databases')
    .option('--copy', 'with --full: COPY files even where pg_dump could be used')
    .requiredOption('--to <dir>', 'directory to make; it must not exist')
    .option('--json', 'print the manifest as JSON')
    .action(async (options: Record<string, unknown>) => {
      const { runBackup } = await import('./run-backup.ts')
      console.log(await runBackup(platformFlags(options), options))
      finish(0)
    })
}
