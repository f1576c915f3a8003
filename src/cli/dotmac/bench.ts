/** `watertight dotmac bench`: what the platform costs, as ratios with bounds, on servers of its own. */

import type { Command } from 'commander'

export function addBench(dotmac: Command, finish: (code: number) => void): void {
  dotmac
    .command('bench')
    .description(
      'measure round trips, row security and restores; exit 1 when a bound is missed, 3 when undecided',
    )
    .option('--rows <count>', 'rows of isp_customers under row security', '1000000')
    .option('--tenant-rows <count>', 'rows of the tenant that is restored', '100000')
    .option('--rounds <count>', 'pairs of round trips and of restores', '9')
    .option('--seconds <count>', 'time for the overhead of row security', '300')
    .option('--json', 'print JSON')
    .action(async (given: Record<string, unknown>) => {
      const { runBench } = await import('./run-bench.ts')
      finish(
        await runBench(given, (text) => {
          console.log(text)
        }),
      )
    })
}
