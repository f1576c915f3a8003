import { expect, test } from 'vitest'
import { loadMutants } from './mutant.ts'
import { StrategyTrials } from '../../testing/strategies-on-trial.ts'

const seeds = (process.env['WATERTIGHT_TRIAL_SEEDS'] ?? '11,12').split(',').map(Number)

test('strategies that clear what they promise hold over 200 sequences and 200 interleavings of each seed', async () => {
  await using trials = await StrategyTrials.open()
  const [control] = (await loadMutants('controls', null)).filter(
    ({ id }) => id === 'reset-at-both-ends',
  )
  const correct = (['row-level-security', 'schema-per-tenant'] as const).flatMap((tenancy) =>
    trials.world(tenancy).options.strategies.map(({ strategy }) => ({ tenancy, strategy })),
  )
  if (control?.strategy) correct.push({ tenancy: control.tenancy, strategy: control.strategy })
  const complaints: string[] = []
  for (const seed of seeds) {
    for (const { tenancy, strategy } of correct) {
      for (const probe of ['pooled-context', 'concurrent-requests']) {
        const verdict = await trials.tryStrategy(strategy, { probe, tenancy, seed, runs: 40 })
        if (verdict.outcome === 'holds') continue
        const seen = verdict.cells.map(
          ({ counterexample, indeterminate }) => counterexample?.input ?? indeterminate,
        )
        const what = `${probe}, ${strategy.title}, ${tenancy}, seed ${seed}`
        complaints.push(`${what}: ${verdict.reason} ${JSON.stringify(seen)}`)
      }
    }
  }
  expect(complaints).toEqual([])
  expect(correct).toHaveLength(5)
}, 600_000)
