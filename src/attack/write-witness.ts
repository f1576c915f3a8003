/** Recognises writes that reached rows of another tenant. */

import type { Attempt, Witness } from '../model/observation.ts'
import type { TenantId } from '../model/tenant.ts'
import { affectedBy, count, rowsOf, rowsShown, stepOf, type Suspicion } from './witness.ts'
import type { WorldObject } from '../model/world.ts'
import type { World } from '../world/world.ts'

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
