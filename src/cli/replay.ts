/** `watertight replay`: runs the shrunk counterexample of a finding again. */

import type { Command } from 'commander'

export function addReplay(program: Command, finish: (code: number) => void): void {
  program
    .command('replay <finding>')
    .description(
      'run the counterexample of a finding again; exit 1 when it still leaks, 0 when it does not',
    )
    .option('--run <dir>', 'run directory that has the finding (default reports/latest)')
    .option('-t, --target <dsn>', 'server to use, as in run')
    .option('--json', 'print the counterexample as JSON')
    .action(async (finding: string, options: Record<string, unknown>) => {
      const { replayFinding } = await import('./replay-finding.ts')
      finish(await replayFinding(finding, options))
    })
}
