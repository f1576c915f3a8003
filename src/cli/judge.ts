/** `watertight judge`: asks today's judges about the observations of a stored run, without a server. */

import type { Command } from 'commander'

export function addJudge(program: Command, finish: (code: number) => void): void {
  program
    .command('judge [run]')
    .description(
      'judge the stored observations of a run again (default: reports/latest) and say what differs; no database needed',
    )
    .option('--fail-on <severity>', 'least severity that shuts the gate')
    .option('--strict', 'as in run')
    .option('--allow-partial', 'as in run')
    .option('--max-overhead <ratio>', 'as in run')
    .option('-o, --output <dir>', 'write the new report into a run directory of its own in there')
    .option('--json', 'print what differs, what was kept and the verdict as JSON')
    .action(async (run: string | undefined, options: Record<string, unknown>) => {
      const { judgeRun } = await import('./judge-run.ts')
      finish(await judgeRun(run ?? 'reports/latest', options))
    })
}
