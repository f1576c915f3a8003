/**
 * Asks the server instead of the platform: rehearsals of its own defects. One world is enough for that,
 * because every database of a server has the same programs behind it.
 */

import { fixOf, serverDefects, versionText, type ServerDefect } from '../../model/server-defects.ts'
import type { Attempt, Step, Witness } from '../../model/observation.ts'
import type { CellVerdict } from '../../model/verdict.ts'
import {
  metaOf,
  type Cell,
  type Probe,
  type ProbeMeta,
  type SearchSettings,
} from '../../probe/define.ts'
import { inherent, withoutUnclaimed } from '../../probe/inherent.ts'
import { missingChecks } from './missing-checks.ts'
import { plannerStatistics } from './planner-statistics.ts'
import { leakOf } from './leak.ts'
import { quotedRoles, type Rehearsal } from './rehearsal.ts'
import { reusedPlans } from './reused-plans.ts'
import { cellVerdict } from '../../probe/search.ts'
import { Tally } from '../../probe/tally.ts'
import type { World } from '../../world/world.ts'

const rehearsals: readonly Rehearsal[] = [...reusedPlans, ...plannerStatistics, ...missingChecks]

/** An executed probe with a cell for each rehearsal that the server's version can express. */
export function defineServerProbe(meta: ProbeMeta): Probe {
  return {
    ...metaOf(meta),
    basis: 'executed',
    exhaustive: true,
    cells: (world) =>
      world.speaksFor.has('server')
        ? rehearsals.filter((each) => isKnown(each, world)).map(cellOf)
        : [],
    search: async (world, cell, settings) => {
      const rehearsal = rehearsals.find(
        (each) => each.defect === cell.name && each.path === cell.path,
      )
      const defect = serverDefects.find(({ id }) => id === cell.name)
      if (rehearsal === undefined || defect === undefined)
        throw new Error(`there is no rehearsal of ${cell.name}`)
      return await rehearse({ world, cell, rehearsal, defect }, settings)
    },
  }
}

function isKnown({ since = 0 }: Rehearsal, world: World): boolean {
  return world.catalog.serverVersionNum >= since
}

function cellOf({ defect, path }: Rehearsal): Cell {
  return { object: null, name: defect, path }
}

interface Scene {
  readonly world: World
  readonly cell: Cell
  readonly rehearsal: Rehearsal
  readonly defect: ServerDefect
}

/** A rehearsal has no input to vary: it is tried once, whatever the budget. */
async function rehearse(scene: Scene, settings: SearchSettings): Promise<CellVerdict> {
  const { world, cell, rehearsal } = scene
  const tally = new Tally()
  const runs = Math.min(1, settings.runs)
  const outcome = {
    cell,
    tally,
    runs,
    privilege: 'granted' as const,
    replaying: settings.replay !== undefined,
  }
  if (runs === 0) return cellVerdict({ ...outcome, counterexample: null })
  const attempt = await world.admin.attempt(rehearsal.script(quotedRoles(world.roles)))
  settings.onCase?.(cell, attempt, null)
  const step = leakOf(rehearsal, attempt)
  // An exception that carries the hidden value is an answer, and a clear one.
  tally.addAttempt({ ...attempt, steps: attempt.steps.filter((each) => each !== step) })
  tally.controlsTried += 1
  if (
    attempt.steps.some(
      ({ role, observation }) =>
        role === 'control' && observation.kind === 'rows' && observation.rows.length > 0,
    )
  )
    tally.controlsSeen += 1
  if (step === null) return cellVerdict({ ...outcome, counterexample: null })
  const verdict = cellVerdict({
    ...outcome,
    counterexample: counterexampleOf(scene, { attempt, step, settings }),
  })
  return withoutUnclaimed(verdict, settings.claims ?? new Set())
}

interface Seen {
  readonly attempt: Attempt
  readonly step: Step
  readonly settings: SearchSettings
}

function counterexampleOf({ world, cell, defect }: Scene, { attempt, step, settings }: Seen) {
  const { observation } = step
  const fixed = fixOf(defect, world.catalog.serverVersionNum)
  const witness: Witness = {
    sentence:
      `PostgreSQL ${versionText(world.catalog.serverVersionNum)} shows ${defect.id}: ${defect.title}` +
      (fixed === null ? '' : ` (fixed in ${fixed})`),
    rows: observation.kind === 'rows' ? observation.rows.slice(0, 5) : [],
    victim: null,
    command: cell.path,
    severity: defect.severity,
  }
  // Whether a platform can be attacked by it is asked of the platform, key by key, by the upsert probes.
  const dependsOnKeys = defect.id === 'CVE-2026-120154'
  return {
    input: { defect: defect.id, path: cell.path },
    steps: attempt.steps,
    witness: dependsOnKeys ? (inherent('server', witness) ?? witness) : witness,
    replay: { seed: settings.seed, path: '0', replayPath: null },
    shrinks: 0,
    casesToWitness: 1,
    msToWitness: 0,
    login: world.administrator,
  }
}
