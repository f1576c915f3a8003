/** Recognises foreign rows in what an attempt saw, and puts it into a sentence. */

import type { Attempt, Row, Step, Witness } from '../model/observation.ts'
import type { TenantId } from '../model/tenant.ts'
import { isInterruption } from '../postgres/sqlstate.ts'
import type { World } from './world.ts'
import type { WorldObject } from './world-object.ts'

const rowsShown = 5

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
  if (first === undefined) return null
  const victim =
    [...world.ownership.ownersIn(first, { tenantColumn })].find((owner) => owner !== attacker) ?? null
  return {
    sentence:
      `Tenant ${attacker} ${suspicion.verb} ${count(foreign.length, 'row')} of ${victim ?? 'another tenant'}` +
      ` ${preposition(suspicion.verb)} ${suspicion.object}`,
    rows: foreign.slice(0, rowsShown),
    victim,
    command: suspicion.command,
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

/**
 * The answers of a differential experiment as comparable texts; null when any step was interrupted,
 * because a time-out that differs from an answer proves nothing.
 */
export function comparedAnswers(attempt: Attempt): readonly string[] | null {
  const interrupted = attempt.steps.some(
    ({ observation }) => observation.kind === 'indeterminate' && isInterruption(observation.sqlstate),
  )
  if (interrupted) return null
  return attempt.steps
    .filter((step) => step.role === 'comparison')
    .map(({ observation }) =>
      observation.kind === 'rows' ? `${observation.affected ?? 0} rows` : String(observation.sqlstate),
    )
}

export interface Write extends Pick<Suspicion, 'attacker' | 'object' | 'verb' | 'command'> {
  readonly victim: TenantId
}

/** A witness when a statement that names only the victim's rows affected any. */
export function wroteForeignRows(attempt: Attempt, write: Write): Witness | null {
  const step = stepOf(attempt, 'attack')
  const affected = affectedBy(step)
  if (affected === 0) return null
  return {
    sentence: `Tenant ${write.attacker} ${write.verb} ${count(affected, 'row')} of ${write.victim} in ${write.object}`,
    rows: rowsOf(step).slice(0, rowsShown),
    victim: write.victim,
    command: write.command,
  }
}

export interface BlindWrite extends Omit<Write, 'object'> {
  readonly world: World
  readonly cell: { readonly name: string; readonly object: WorldObject | null }
}

/**
 * A witness when a statement without WHERE affected more rows than the tenant owns, or when the
 * victim sees the change. Under schema-per-tenant the statement names the victim's table: any row counts.
 */
export function wroteTooMuch(attempt: Attempt, write: BlindWrite): Witness | null {
  const { world, cell, attacker, victim, verb, command } = write
  const affected = affectedBy(stepOf(attempt, 'attack'))
  const seenByVictim = Number(rowsOf(stepOf(attempt, 'proof'))[0]?.['n'] ?? 0)
  const apart =
    cell.object !== null &&
    cell.object.addressOf(world.tenant(attacker)) !== cell.object.addressOf(world.tenant(victim))
  const own = apart ? 0 : (cell.object?.rowsOf(attacker) ?? 0)
  if (affected <= own && seenByVictim === 0) return null
  if (affected === 0) return null
  return {
    sentence:
      affected > own
        ? `Tenant ${attacker} ${verb} ${count(affected, 'row')} in ${cell.name} and owns ${own}`
        : `Tenant ${attacker} ${verb} ${count(seenByVictim, 'row')} of ${victim} in ${cell.name}`,
    rows: [],
    victim,
    command,
  }
}
