/** What a rehearsal proves: pure, from what the application saw. */

import type { Attempt, Step } from '../../model/observation.ts'
import { canary, type Rehearsal } from './rehearsal.ts'

/** The step that leaked; null when none did. */
export function leakOf({ leak }: Rehearsal, { steps }: Attempt): Step | null {
  return (
    steps.find(
      (step) => step.role === 'attack' && (leak === 'canary' ? shows(step) : worked(step)),
    ) ?? null
  )
}

function shows({ observation }: Step): boolean {
  if (observation.kind !== 'rows') return observation.message.includes(canary)
  return observation.rows.some((row) =>
    Object.values(row).some((value) => String(value).includes(canary)),
  )
}

/** A command that touched no row did nothing that could be forbidden. */
function worked({ observation }: Step): boolean {
  return observation.kind === 'rows' && observation.affected !== 0
}
