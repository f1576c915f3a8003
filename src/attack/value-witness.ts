/** What a write of foreign values changed for others, apart from the values that it put into rows of its own. */

import { relationKey } from '../model/catalog.ts'
import type { Attempt, Witness } from '../model/observation.ts'
import { changedForeignRows, changesOf, type Accusation } from './write-probe.ts'

/**
 * Where rows are recognised by their content alone, a new row with a foreign value looks like a foreign row, and a
 * row of nobody that was written to is the attacker's own doing: neither is a change of what others have.
 */
export function changedByValues(attempt: Attempt, accusation: Accusation): Witness | null {
  const { world, attacker, object } = accusation
  const relations = new Map(world.catalog.relations.map((each) => [relationKey(each), each]))
  const target = world.objects
    .find(({ name }) => name === object)
    ?.relationOf(world.tenant(attacker))
  const changes = changesOf(attempt).filter(({ relation, owner, rowsBefore, rowsAfter }) => {
    const found = relations.get(relation)
    if (found === undefined || world.ownership.ownerSql(found) !== null) return true
    return owner === null ? found !== target : rowsAfter <= rowsBefore
  })
  return changedForeignRows({ ...attempt, changes } as Attempt, accusation)
}
