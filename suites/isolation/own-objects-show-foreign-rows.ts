// What lies in a tenant's own schema is asked by that tenant: a view or a function that was bound to another schema
// shows the rows of a stranger to whoever owns it.

import fc from 'fast-check'
import {
  callsApart,
  callsOf,
  defineProbe,
  foreignContent,
  functionCells,
  functionOf,
  objectsOfKind,
  ownCalls,
  targetOf,
  vacuousAttempt,
  type Cell,
  type Scene,
  type Statement,
  type Tenant,
} from '../../src/index.ts'

/** Calls that share a transaction, and such lots that random inputs choose among. */
const callsMax = 40
const lots = 4

interface Input {
  readonly attacker: string
  /** Whose values are passed to a function. */
  readonly victim: string
  /** Which of the lots of calls, the likeliest being 0. */
  readonly lot: number
}

export default defineProbe<Input>({
  claim: 'No view, table or function of a tenant shows it rows of another tenant',
  source: 'https://www.postgresql.org/docs/current/ddl-schemas.html',
  severity: 'critical',
  needs: ['rows'],
  separatedBy: 'places',
  remedy:
    'Bind {relation} to the tables of its own schema, and pin the search_path of functions to it',
  cells: (world) => [
    ...objectsOfKind(world, ['view', 'materialized view', 'table', 'foreign table'])
      .filter(({ shared }) => !shared)
      .map((object): Cell => ({ object, name: object.name, path: 'own object' }))
      .filter((cell) => world.tenants.some((tenant) => selectOf(cell, tenant) !== null)),
    ...functionCells(world, 'own function').filter(
      (cell) => (functionOf({ world, cell })?.copies.size ?? 0) > 0,
    ),
  ],
  inputs: (world, cell) =>
    fc.record({
      attacker: fc.constantFrom(...askers({ world, cell })),
      victim: fc.constantFrom(...world.tenants.map(({ id }) => id)),
      lot: fc.nat({ max: lots - 1 }),
    }),
  // Every tenant has objects of its own, and any of them may be the wrong one.
  examples: (world, cell) =>
    askers({ world, cell }).map((attacker): Input => ({ attacker, victim: attacker, lot: 0 })),
  attempt: (world, cell, input) => {
    const questions = questionsOf({ world, cell }, input)
    return questions.length === 0
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([...world.enter(world.tenant(input.attacker)), ...questions])
  },
  judge: (attempt, { attacker }, { world, cell }) =>
    foreignContent(attempt, {
      world,
      attacker,
      object: cell.name,
      verb: 'reads',
      command: cell.path,
      tenantColumn: cell.object?.relationOf(world.tenant(attacker))?.tenantColumn ?? 'tenant_id',
    }),
  control: (world, cell, tenant) => {
    if (cell.object === null) return ownCalls({ world, cell }, tenant)
    const ask = selectOf(cell, tenant)
    if (ask !== null && (cell.object.rowsOf(tenant.id) ?? 0) > 0)
      return world.attempt([...world.enter(tenant), { ...ask[0], role: 'control' }])
    return ask === null
      ? null
      : // Without known rows an answer is all there is: an error ends the transaction before it.
        world.attempt([
          ...world.enter(tenant),
          ...ask,
          { sql: 'SELECT 1 AS reached', role: 'control' },
        ])
  },
})

function askers({ world, cell }: Scene): readonly string[] {
  const copies = functionOf({ world, cell })?.copies
  const able = world.tenants
    .filter((tenant) =>
      cell.object === null
        ? copies?.has(tenant.id) === true
        : cell.object.relationOf(tenant) !== null,
    )
    .map(({ id }) => id)
  return able.length === 0 ? world.tenants.map(({ id }) => id) : able
}

function questionsOf(
  { world, cell }: Scene,
  { attacker, victim, lot }: Input,
): readonly Statement[] {
  if (cell.object !== null) return selectOf(cell, world.tenant(attacker)) ?? []
  const all = callsOf({ world, cell }, { attacker, victim })
  const first = lot * callsMax < all.length ? lot * callsMax : 0
  return all.length === 0 ? [] : callsApart(all.slice(first, first + callsMax))
}

function selectOf({ object }: Cell, tenant: Tenant): readonly [Statement] | null {
  const target = object === null ? null : targetOf(object, tenant)
  return target === null || !target.relation.applicationPrivileges.includes('SELECT')
    ? null
    : [{ sql: `SELECT ${target.columns} FROM ${target.address} LIMIT 500`, role: 'attack' }]
}
