/** What an answer proves: foreign rows, foreign values in an error message, or a number nobody may know. */

import type { Attempt, Row, Step, Witness } from '../../model/observation.ts'
import type { Tenant, TenantId } from '../../model/tenant.ts'
import { count, foreignRows, type Suspicion } from '../witness.ts'
import type { World } from '../../world/world.ts'

/** Foreign rows first; then errors whose text carries a value that the statement did not bring along. */
export function foreignContent(attempt: Attempt, suspicion: Suspicion): Witness | null {
  return foreignRows(attempt, suspicion) ?? foreignEcho(attempt, suspicion)
}

/**
 * A value of another tenant in the message or detail of an error.
 * https://www.postgresql.org/docs/current/rules-privileges.html (leaky functions below a view's filter)
 */
export function foreignEcho(attempt: Attempt, suspicion: Suspicion): Witness | null {
  const { world, attacker } = suspicion
  for (const step of attempt.steps.filter(
    ({ role }) => role === 'attack' || role === 'comparison',
  )) {
    const echoed = echoOf(step, world)
    if (echoed === null || echoed === attacker) continue
    return {
      sentence: `Tenant ${attacker} ${suspicion.verb} a value of ${echoed} in an error about ${suspicion.object}`,
      rows: [{ error: step.observation.kind === 'rows' ? '' : step.observation.message }],
      victim: echoed,
      command: suspicion.command,
    }
  }
  return null
}

/** Whose mark an error carries, unless the statement itself contained one of that tenant. */
function echoOf({ observation, sql }: Step, world: World): TenantId | null {
  if (observation.kind === 'rows') return null
  const owner = world.ownership.ownerOfValue(observation.message)
  if (owner === null) return null
  return world.ownership.marksOf(owner).some((mark) => sql.includes(mark)) ? null : owner
}

export interface Counted extends Suspicion {
  /** Rows that the attacker owns; null when nobody knows. */
  readonly own: number | null
}

/** The largest number in column n exceeds what the tenant owns. */
export function countsTooMany(
  attempt: Attempt,
  { own, attacker, object, command }: Counted,
): Witness | null {
  if (own === null) return null
  const rows = attempt.steps.flatMap(({ role, observation }) =>
    role === 'attack' && observation.kind === 'rows' ? observation.rows : [],
  )
  const most = Math.max(0, ...rows.map((row) => Number(row['n'] ?? 0)))
  if (most <= own) return null
  return {
    sentence: `Tenant ${attacker} counts ${count(most, 'row')} in ${object} and owns ${own}`,
    rows: rows.slice(0, 5),
    victim: null,
    command,
    severity: 'medium',
  }
}

/**
 * Rows of a relation that belongs to the victim as a whole, as a table in its schema does: they need
 * no mark to be foreign. Null where rows carry their owner.
 */
export function rowsOfForeignRelation(
  attempt: Attempt,
  suspicion: Suspicion,
  victim: Tenant,
): Witness | null {
  const { world, attacker, object, command, verb } = suspicion
  const relation = world.objects.find(({ name }) => name === object)?.relationOf(victim) ?? null
  if (
    relation === null ||
    world.ownership.ownerByPlace(relation) !== victim.id ||
    victim.id === attacker
  )
    return null
  const rows = attempt.steps.flatMap(({ role, observation }) =>
    role === 'attack' && observation.kind === 'rows' ? observation.rows.filter(hasValue) : [],
  )
  if (rows.length === 0) return null
  return {
    sentence: `Tenant ${attacker} ${verb} ${count(rows.length, 'row')} of ${victim.id} from ${object}`,
    rows: rows.slice(0, 5),
    victim: victim.id,
    command,
  }
}

/** An outer join or an aggregate over nothing yields a row of NULLs, which shows nothing. */
export function hasValue(row: Row): boolean {
  return Object.values(row).some((value) => value !== null)
}
