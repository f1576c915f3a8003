/** `watertight dotmac backup` and `restore`: one tenant's rows of both databases, out and in again. */

import type { Command } from 'commander'
import { platformFlags, withPlatformFlags } from './platform-flags.ts'

export function addBackup(dotmac: Command, finish: (code: number) => void): void {
  withPlatformFlags(dotmac.command('backup'))
    .description('back up one tenant: a counted and hashed snapshot of its rows in both databases')
    .requiredOption('--tenant <id>', 'the tenant')
    .requiredOption('--to <dir>', 'directory to make; must not exist')
    .option('--json', 'print the manifest')
    .action(async (given: Record<string, unknown>) => {
      const { runBackup } = await import('./run-backup.ts')
      finish(await runBackup(given, platformFlags(given)))
    })
}

export function addRestore(dotmac: Command, finish: (code: number) => void): void {
  withPlatformFlags(dotmac.command('restore <dir>'))
    .description('replace one tenant\'s rows by those of its backup; nobody else is touched')
    .requiredOption('--tenant <id>', 'the tenant, which must be the backup\'s')
    .option('--yes', 'really replace its rows')
    .action(async (directory: string, given: Record<string, unknown>) => {
      const { runRestore } = await import('./run-backup.ts')
      finish(await runRestore(directory, { given, flags: platformFlags(given) }))
    })
}
