import { expect, test } from 'vitest'
import { loadMutants } from './mutant.ts'
import { StrategyTrials, type TrialOptions } from '../../testing/strategies-on-trial.ts'

const stepName = /(?:^|,)[A-Z][A-Za-z]+(?=\(|,|$)/g

/** Found by a single kind of step among forty, so that one random search may miss them. */
const rare = new Set(['pooled-context--advisory-lock-left', 'pooled-context--temporary-table-left'])

test('every broken strategy of the pool is found, with a witness of at most four steps', async () => {
  const { complaints, tried } = await complaintsOf({ seed: 7 })
  expect(complaints).toEqual([])
  expect(tried).toBeGreaterThanOrEqual(41)
}, 300_000)

test('random sequences find them without any known one, and shrink to as few steps', async () => {
  const { complaints, tried } = await complaintsOf({ seed: 7, runs: 60, examplesMax: 0 }, rare)
  expect(complaints).toEqual([])
  expect(tried).toBeGreaterThanOrEqual(39)
}, 300_000)

async function complaintsOf(options: TrialOptions, spared: ReadonlySet<string> = new Set()) {
  await using trials = await StrategyTrials.open()
  const mutants = (await loadMutants('mutants', null)).filter(
    ({ id, strategy, probe }) =>
      strategy !== null && probe !== 'pgbouncer-context' && !spared.has(id),
  )
  const complaints: string[] = []
  for (const mutant of mutants) {
    const { cells, reason } = await trials.try(mutant, options)
    const found = cells.find(({ counterexample }) => counterexample !== null)?.counterexample
    if (found === undefined || found === null) complaints.push(`${mutant.id} survived: ${reason}`)
    else if (stepsOf(found.input) > 4)
      complaints.push(`${mutant.id} takes ${stepsOf(found.input)} steps`)
  }
  return { complaints, tried: mutants.length }
}

/** Steps of a sequence; of an interleaving the stretches in which one request goes on undisturbed. */
function stepsOf(input: unknown): number {
  if (typeof input === 'string') return input.match(stepName)?.length ?? 0
  const { timeline } = input as { timeline: readonly string[] }
  const who = timeline.map((line) => line.split(' ')[0])
  return who.filter((each, index) => each !== who[index - 1]).length
}
