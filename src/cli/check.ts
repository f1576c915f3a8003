/** `watertight check`: judges a stored run again, without a database. */

import type { Command } from 'commander'

export function addCheck(program: Command, finish: (code: number) => void): void {
  program
    .command('check [run]')
    .description('judge a stored run again (default: reports/latest); no database needed')
    .option('--fail-on <severity>', 'least severity that shuts the gate')
    .option('--strict', 'as in run')
    .option('--allow-partial', 'as in run')
    .option('--max-age <duration>', 'an older report is inconclusive: 90m, 24h')
    .option('--max-overhead <ratio>', 'as in run')
    .option('--json', 'print run, verdict and gates as JSON')
    .action(async (run: string | undefined, options: Record<string, unknown>) => {
      const { checkRun } = await import('./check-run.ts')
      finish(checkRun(run ?? 'reports/latest', options))
    })
}
