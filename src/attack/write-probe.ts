/** Probes whose attempts are judged by what they changed: a witness names the worst change. */

import type { Attempt, Witness } from '../model/observation.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import { count } from './witness.ts'
import type { Change, Written } from '../world/write-oracle.ts'
import type { World } from '../world/world.ts'
import type { Statement } from '../model/observation.ts'

/** An attempt that remembers what the write oracle saw; plain data, as every attempt is. */
export interface WriteAttempt extends Attempt {
  readonly changes: readonly Change[]
}

/** Runs the statements under the write oracle. */
export async function writeAttempt(
  world: World,
  attacker: Tenant,
  statements: readonly Statement[],
): Promise<WriteAttempt> {
  const { attempt, changes }: Written = await world.write(attacker, statements)
  return { ...attempt, changes }
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

function isOwnedTable(world: World, key: string): boolean {
  return world.catalog.relations.some(
    (relation) => `${relation.schema}.${relation.name}` === key && relation.tenantColumn !== null,
  )
}
