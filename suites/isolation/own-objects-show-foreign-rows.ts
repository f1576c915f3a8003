// What lies in a tenant's own schema is asked by that tenant: a view or a function that was bound to another schema
// shows the rows of a stranger to whoever owns it.

import fc from 'fast-check'
import {
  callFunction,
  defineProbe,
  foreignContent,
  functionSignature,
  objectsOfKind,
  ownCalls,
  ownFunctions,
  targetOf,
  vacuousAttempt,
  type Cell,
  type Scene,
  type Statement,
  type Tenant,
  type World,
} from '../../src/index.ts'

interface Input {
  readonly attacker: string
  readonly victim: string
  /** Which of the values that fit an argument, and whose. */
  readonly choice: number
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
      .map((object): Cell => ({ object, name: object.name, path: 'own object' })),
    ...[...new Set(ownFunctions(world).map(functionSignature))].map((name): Cell => ({
      object: null,
      name,
      path: 'own function',
    })),
  ],
  inputs: (world, cell) =>
    fc.record({
      attacker: fc.constantFrom(...askers({ world, cell })),
      victim: fc.constantFrom(...world.tenants.map(({ id }) => id)),
      choice: fc.nat({ max: 7 }),
    }),
  // Every tenant has objects of its own, and any of them may be the wrong one.
  examples: (world, cell) =>
    askers({ world, cell }).map((attacker, choice): Input => ({
      attacker,
      victim: attacker,
      choice,
    })),
  attempt: (world, cell, { attacker, victim, choice }) => {
    const own = world.tenant(attacker)
    const ask = question({ world, cell }, own, { victim, choice })
    return ask === null
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([...world.enter(own), ask])
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
    const ask = question({ world, cell }, tenant, { victim: tenant.id, choice: 0 })
    return ask === null
      ? null
      : // Reached only when the question was answered: an error ends the transaction before it.
        world.attempt([
          ...world.enter(tenant),
          ask,
          { sql: 'SELECT 1 AS reached', role: 'control' },
        ])
  },
})

function askers({ world, cell }: Scene): readonly string[] {
  const able = world.tenants.filter((tenant) => isOwn({ world, cell }, tenant)).map(({ id }) => id)
  return able.length === 0 ? world.tenants.map(({ id }) => id) : able
}

function isOwn({ world, cell }: Scene, tenant: Tenant): boolean {
  return cell.object === null
    ? entryOf(world, cell, tenant) !== undefined
    : cell.object.relationOf(tenant) !== null
}

function entryOf(world: World, cell: Cell, { schema }: Tenant) {
  return ownFunctions(world).find(
    (entry) => entry.schema === schema && functionSignature(entry) === cell.name,
  )
}

function question(
  { world, cell }: Scene,
  tenant: Tenant,
  { victim, choice }: Pick<Input, 'victim' | 'choice'>,
): Statement | null {
  if (cell.object !== null) {
    const target = targetOf(cell.object, tenant)
    return target === null || !target.relation.applicationPrivileges.includes('SELECT')
      ? null
      : { sql: `SELECT ${target.columns} FROM ${target.address} LIMIT 500`, role: 'attack' }
  }
  const entry = entryOf(world, cell, tenant)
  if (entry === undefined) return null
  return callFunction({ world, cell }, { owner: victim, choice, entry }, 'comparison')
}
