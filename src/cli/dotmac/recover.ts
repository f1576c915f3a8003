/** `watertight dotmac recover --drill`: causes failures on servers of its own and measures the way back. */

import type { Command } from 'commander'

export function addRecover(dotmac: Command, finish: (code: number) => void): void {
  dotmac
    .command('recover')
    .description(
      'recovery drills on servers of their own; exit 1 when a tenant or isolation did not come back',
    )
    .requiredOption('--drill [name]', 'pitr, tenant, coordinated or all (default all)')
    .option('--mode <tenancy>', 'rls or schema (default rls)')
    .option('--json', 'print the results as JSON')
    .action(async (options: Record<string, unknown>) => {
      const { runRecover } = await import('./run-recover.ts')
      const faults = await runRecover(options, (text) => {
        console.log(text)
      })
      finish(faults === 0 ? 0 : 1)
    })
}
