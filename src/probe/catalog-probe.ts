/**
 * Catalogue probes: rules over the survey that predict an attack. They are marked as such, because
 * a prediction is weaker than an executed attack.
 */

import type { Attempt, Witness } from '../model/observation.ts'
import { metaOf, type Cell, type Probe, type ProbeMeta } from './define.ts'
import { cellVerdict } from './search.ts'
import { Tally } from './tally.ts'
import type { World } from '../world/world.ts'

export interface Inspection {
  /** The defect in a sentence; null when there is none. */
  readonly sentence: string | null
  readonly severity?: Witness['severity']
  /** Statement by which a reviewer sees the same in the system tables. */
  readonly evidenceSql: string
}

export interface CatalogProbeDefinition extends ProbeMeta {
  cells(world: World): readonly Cell[]
  /** Pure: looks at the world's catalog only. */
  inspect(world: World, cell: Cell): Inspection
}

export function defineCatalogProbe(definition: CatalogProbeDefinition): Probe {
  return {
    ...metaOf(definition),
    basis: 'catalogue',
    cells: (world) => definition.cells(world),
    search: async (world, cell, settings) => {
      const tally = new Tally()
      const runs = Math.min(1, settings.runs)
      if (runs === 0)
        return cellVerdict({
          cell,
          counterexample: null,
          tally,
          runs: 0,
          privilege: 'granted',
          replaying: false,
        })
      const { sentence, severity, evidenceSql } = definition.inspect(world, cell)
      const attempt = await world.look(evidenceSql)
      settings.onCase?.(cell, attempt, { cell: cell.name })
      tally.addAttempt(attempt)
      // The survey itself is the control: it read the object that the rule is about.
      tally.controlsTried += 1
      if (
        attempt.steps.some(
          (step) => step.observation.kind === 'rows' && step.observation.rows.length > 0,
        )
      )
        tally.controlsSeen += 1
      return cellVerdict({
        cell,
        tally,
        runs,
        privilege: 'granted',
        replaying: false,
        counterexample:
          sentence === null
            ? null
            : counterexampleOf(
                attempt,
                {
                  sentence,
                  rows: [],
                  victim: null,
                  command: cell.path,
                  ...(severity === undefined ? {} : { severity }),
                },
                { world, cell, seed: settings.seed },
              ),
      })
    },
  }
}

interface Where {
  readonly world: World
  readonly cell: Cell
  readonly seed: number
}

function counterexampleOf(attempt: Attempt, witness: Witness, { world, cell, seed }: Where) {
  return {
    input: { object: cell.name, database: world.database },
    steps: attempt.steps,
    witness,
    replay: { seed, path: '0', replayPath: null },
    shrinks: 0,
    casesToWitness: 1,
    msToWitness: 0,
    login: world.administrator,
  }
}
