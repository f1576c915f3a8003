import { expect, test } from 'vitest'
import { loadMutants } from './mutant.ts'
import { StrategyTrials } from './strategies-on-trial.ts'

const stepName = /(?:^|,)[A-Z][A-Za-z]+(?=\(|,|$)/g

test('every broken strategy of the pool is found, with a witness of at most four steps', async () => {
  await using trials = await StrategyTrials.open()
  const mutants = (await loadMutants('mutants', null)).filter(
    ({ strategy, probe }) => strategy !== null && probe !== 'pgbouncer-context')
  const complaints: string[] = []
  for (const mutant of mutants) {
    const { cells, reason } = await trials.try(mutant, { seed: 7 })
    const found = cells.find(({ counterexample }) => counterexample !== null)?.counterexample
    if (found === undefined || found === null) complaints.push(`${mutant.id} survived: ${reason}`)
    else if (stepsOf(found.input) > 4) complaints.push(`${mutant.id} takes ${stepsOf(found.input)} steps`)
  }
  expect(complaints).toEqual([])
  expect(mutants.length).toBeGreaterThanOrEqual(18)
}, 300_000)

/** Steps of a sequence; of an interleaving the stretches in which one request goes on undisturbed. */
function stepsOf(input: unknown): number {
  if (typeof input === 'string') return input.match(stepName)?.length ?? 0
  const { timeline } = input as { timeline: readonly string[] }
  const who = timeline.map((line) => line.split(' ')[0])
  return who.filter((each, index) => each !== who[index - 1]).length
}
