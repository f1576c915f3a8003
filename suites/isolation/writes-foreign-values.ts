// A row of one's own may carry anybody's number, address or key: whatever acts on the rows that it finds by such a
// value (a trigger of one column, a rule of an unrelated table, a view that trusts NEW) must find own ones only.

import {
  actAttempt,
  anyCalls,
  changedByValues,
  deferred,
  defineProbe,
  everyAttacker,
  objectOf,
  ownWrites,
  reactsToWrites,
  vacuousAttempt,
  valueWrites,
  writableObjects,
  type Calls,
  type Statement,
} from '../../src/index.ts'

/** Statements that share a transaction, and transactions, where something acts on what is written; and elsewhere. */
const [writesMax, chunksMax] = [40, 3]
const plainWritesMax = 24

export default defineProbe<Calls>({
  claim: "No value that a tenant writes into its own rows changes another tenant's",
  source: 'https://www.postgresql.org/docs/current/trigger-definition.html',
  severity: 'critical',
  needs: ['writes'],
  remedy:
    'Let the triggers and rules of {relation} compare tenant_id, beside the value by which they find rows',
  cells: (world) =>
    writableObjects(world).map((object) => ({ object, name: object.name, path: 'foreign values' })),
  inputs: (world) => anyCalls(world),
  examples: (world, cell) => {
    const reacts = reactsToWrites(world, objectOf(cell))
    const [most, chunks] = reacts ? [writesMax, chunksMax] : [plainWritesMax, 1]
    return everyAttacker(world)
      .filter((pair) => valueWrites(world, objectOf(cell), pair).length > 0)
      .slice(0, 1)
      .flatMap((pair) =>
        Array.from({ length: chunks }, (_, chunk): Calls => ({
          ...pair,
          calls: Array.from({ length: most }, (__, index) => chunk * most + index),
        })),
      )
  },
  attempt: (world, cell, { calls, ...pair }) => {
    const all = valueWrites(world, objectOf(cell), pair)
    const chosen = [...new Set(calls.flatMap((number) => all[number]?.() ?? []))]
    if (chosen.length === 0) return Promise.resolve(vacuousAttempt)
    const asked = chosen.map((sql): Statement => ({ sql, role: 'comparison' }))
    return actAttempt(world, world.tenant(pair.attacker), {
      statements: [deferred, ...asked],
      goesOn: true,
    })
  },
  judge: (attempt, { attacker }, { world, cell }) =>
    changedByValues(attempt, { world, attacker, object: cell.name, command: 'foreign values' }),
  control: (world, cell, tenant) => ownWrites({ world, cell }, tenant),
})
