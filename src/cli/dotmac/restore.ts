/** `watertight dotmac restore`: one tenant's backup into the live platform, a full one into empty databases. */

import type { Command } from 'commander'
import { platformFlags, withPlatformFlags } from './platform-flags.ts'

export function addRestore(dotmac: Command, finish: (code: number) => void): void {
  withPlatformFlags(dotmac.command('restore <dir>'))
    .description(
      "replace a tenant's rows by those of its backup, or fill empty databases from a full one",
    )
    .option('--yes', 'do it; without, the files are verified and nothing is changed')
    .option(
      '--create',
      "make what is missing first: the tenant's schemas (--mode schema), a full backup's roles",
    )
    .option('--json', 'print what was done as JSON')
    .action(async (directory: string, options: Record<string, unknown>) => {
      const { runRestore } = await import('./run-backup.ts')
      console.log(await runRestore(directory, platformFlags(options), options))
      finish(0)
    })
}
