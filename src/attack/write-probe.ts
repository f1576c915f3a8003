/** Probes whose attempts are judged by what they changed: a witness names the worst change. */

import type { Attempt, Witness } from '../model/observation.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import { count } from './witness.ts'
import type { Change, WriteOptions } from '../world/write-oracle.ts'
import type { Sight } from '../world/sight.ts'
import { inherent } from '../probe/inherent.ts'
import { broughtBy, lootOf } from './loot.ts'
import type { World } from '../world/world.ts'
import type { Statement } from '../model/observation.ts'

/** An attempt that remembers what the write oracle saw; plain data, as every attempt is. */
export interface WriteAttempt extends Attempt {
  readonly changes: readonly Change[]
  readonly sights: readonly Sight[]
  readonly contextMoved: boolean
}

/** Runs the statements under the write oracle. */
export function writeAttempt(
  world: World,
  attacker: Tenant,
  statements: readonly Statement[],
): Promise<WriteAttempt> {
  return actAttempt(world, attacker, { statements })
}

export interface Act extends WriteOptions {
  readonly statements: readonly Statement[]
}

/** The same of an act that says how it is run and how much is looked at afterwards. */
export async function actAttempt(
  world: World,
  attacker: Tenant,
  { statements, ...options }: Act,
): Promise<WriteAttempt> {
  const { attempt, ...seen } = await world.write(attacker, statements, options)
  return { ...attempt, ...seen }
}

export interface Accusation {
  readonly world: World
  readonly attacker: TenantId
  readonly object: string
  readonly command: string
}

/** The changes of an attempt made by writeAttempt. */
export function changesOf(attempt: Attempt): readonly Change[] {
  return (attempt as Partial<WriteAttempt>).changes ?? []
}

/** Rows of other tenants first; a new row that no tenant owns is worth less, and counts where rows carry owners. */
export function changedForeignRows(attempt: Attempt, accusation: Accusation): Witness | null {
  const { world, attacker, object, command } = accusation
  const changes = changesOf(attempt)
  const foreign = changes.find(({ owner }) => owner !== null)
  const where = (change: Change) => {
    const name = change.relation.split('.').at(-1) ?? change.relation
    return name === object || change.relation === object ? name : `${name} by a write to ${object}`
  }
  if (foreign !== undefined) {
    const more = foreign.rowsAfter - foreign.rowsBefore
    const what =
      more > 0
        ? `adds ${count(more, 'row')} to those of`
        : more < 0
          ? `removes ${count(-more, 'row')} from those of`
          : 'changes rows of'
    return {
      sentence: `Tenant ${attacker} ${what} ${foreign.owner ?? ''} in ${where(foreign)}`,
      rows: [],
      victim: foreign.owner,
      command,
      severity: 'critical',
    }
  }
  const orphaned = changes.find(
    (change) => change.owner === null && isOwnedTable(world, change.relation),
  )
  if (orphaned !== undefined) {
    return {
      sentence: `Tenant ${attacker} writes a row that no tenant owns in ${where(orphaned)}`,
      rows: [],
      victim: null,
      command,
      severity: 'medium',
    }
  }
  const shared = changes.find(({ rowsAfter, rowsBefore }) => rowsAfter <= rowsBefore)
  return shared === undefined
    ? null
    : {
        sentence: `Tenant ${attacker} changes rows that all tenants share in ${where(shared)}`,
        rows: [],
        victim: null,
        command,
        severity: 'high',
      }
}

/** A value of somebody else that the attacker reads after its act, and that the act did not bring along. */
export function readsAfterwards(attempt: Attempt, accusation: Accusation): Witness | null {
  const { sights = [], contextMoved = false } = attempt as Partial<WriteAttempt>
  const { world, attacker, object, command } = accusation
  const said = attempt.steps.filter(({ role }) => role !== 'context')
  const looter = { attacker, ownership: world.ownership, brought: broughtBy(said) }
  for (const { relation, row } of sights) {
    const loot = lootOf([row], looter)
    if (loot === null) continue
    const witness = {
      sentence:
        `After what it did to ${object} tenant ${attacker} reads a value of ${loot.owner} in ${relation}` +
        (contextMoved ? ': the context is no longer its own' : ''),
      rows: [row],
      victim: loot.owner,
      command,
      severity: 'critical' as const,
    }
    // Whoever may name the tenant that it becomes has forged a context, by a call instead of a setting.
    const { id, schema, role } = world.tenant(loot.owner)
    const named = [id, schema, role].some((name) => said.some(({ sql }) => sql.includes(name)))
    return inherent(contextMoved && named ? 'forgery' : undefined, witness)
  }
  return null
}

function isOwnedTable(world: World, key: string): boolean {
  return world.catalog.relations.some(
    (relation) => `${relation.schema}.${relation.name}` === key && relation.tenantColumn !== null,
  )
}
