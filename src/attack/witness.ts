/** Recognises foreign rows in what an attempt saw, and puts it into a sentence. */

import type { Attempt, Row, Step, Witness } from '../model/observation.ts'
import type { TenantId } from '../model/tenant.ts'
import { broughtBy, lootOf, noticesOf } from './loot.ts'
import type { World } from '../world/world.ts'

/** Rows that a witness keeps. */
export const rowsShown = 5

export interface Suspicion {
  readonly world: World
  readonly attacker: TenantId
  /** Object as the sentence names it. */
  readonly object: string
  /** What the tenant did: `reads`, `copies`, ... */
  readonly verb: string
  readonly command: string
  readonly tenantColumn: string | null
}

/** Steps of the attempt that were attacks and returned rows. */
export function attackRows(attempt: Attempt): readonly Row[] {
  return attempt.steps.flatMap((step) =>
    (step.role === 'attack' || step.role === 'comparison') && step.observation.kind === 'rows'
      ? step.observation.rows
      : [],
  )
}

/** A witness when any attack returned a row that somebody else owns. */
export function foreignRows(attempt: Attempt, suspicion: Suspicion): Witness | null {
  const { world, attacker, tenantColumn } = suspicion
  const foreign = attackRows(attempt).filter((row) =>
    [...world.ownership.ownersIn(row, { tenantColumn })].some((owner) => owner !== attacker),
  )
  const [first] = foreign
  if (first === undefined) return foreignNotice(attempt, suspicion)
  const victim =
    [...world.ownership.ownersIn(first, { tenantColumn })].find((owner) => owner !== attacker) ??
    null
  return {
    sentence:
      `Tenant ${attacker} ${suspicion.verb} ${count(foreign.length, 'row')} of ${victim ?? 'another tenant'}` +
      ` ${preposition(suspicion.verb)} ${suspicion.object}`,
    rows: foreign.slice(0, rowsShown),
    victim,
    command: suspicion.command,
  }
}

/** A value of somebody else in a notice or a warning that the statements did not bring along. */
function foreignNotice(attempt: Attempt, suspicion: Suspicion): Witness | null {
  const notices = noticesOf(attempt)
  if (notices.length === 0) return null
  const { attacker, object, command } = suspicion
  const { ownership } = suspicion.world
  const loot = lootOf(notices, { attacker, ownership, brought: broughtBy(attempt.steps) })
  return loot === null
    ? null
    : {
        sentence: `Tenant ${attacker} is told a value of ${loot.owner} in a notice about ${object}`,
        rows: [loot.row],
        victim: loot.owner,
        command,
      }
}

/** The first step of a role, null when it was not executed. */
export function stepOf(attempt: Attempt, role: Step['role']): Step | null {
  return attempt.steps.find((step) => step.role === role) ?? null
}

export function affectedBy(step: Step | null): number {
  return step?.observation.kind === 'rows' ? (step.observation.affected ?? 0) : 0
}

export function rowsOf(step: Step | null): readonly Row[] {
  return step?.observation.kind === 'rows' ? step.observation.rows : []
}

export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

function preposition(verb: string): string {
  return verb === 'reads' || verb === 'copies' ? 'from' : 'in'
}
