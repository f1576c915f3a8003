// Two steps: a tenant writes rows of its own that name another one, and then everything that it may read is read.
// Policies, triggers, rules and views that follow such rows are only as good as the rights to write them.

import fc from 'fast-check'
import {
  actAttempt,
  anyPair,
  changesOf,
  defineProbe,
  everyAttacker,
  may,
  objectOf,
  ownActForms,
  ownActs,
  readsAfterwards,
  targetOf,
  vacuousAttempt,
  type Attempt,
  type Cell,
  type OwnActForm,
  type Pair,
  type Tenant,
  type Witness,
  type World,
  type WorldObject,
} from '../../src/index.ts'

interface Input extends Pair {
  readonly form: OwnActForm
}

export default defineProbe<Input>({
  claim: "No row that a tenant may write opens or changes another tenant's rows",
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'critical',
  needs: ['writes'],
  remedy:
    'REVOKE INSERT and UPDATE ON {relation}, or give it policies and keys that compare the tenant of what its rows ' +
    'name: policies, triggers and views rely on them',
  cells: (world) =>
    world.objects
      .filter(
        (object) =>
          object.kind !== 'partition' &&
          world.tenants.some((tenant) =>
            object
              .relationOf(tenant)
              ?.applicationPrivileges.some((right) => right === 'INSERT' || right === 'UPDATE'),
          ),
      )
      .filter((object) => object.kind !== 'view' || isActedOn(world, object))
      .map((object): Cell => ({ object, name: object.name, path: 'write, then read' })),
  inputs: (world) =>
    fc.record({ pair: anyPair(world), form: fc.constantFrom(...ownActForms) }).map(
      ({ pair, form }) => ({ ...pair, form }),
      (value) => {
        const { attacker, victim, form } = value as Input
        return { pair: { attacker, victim }, form }
      },
    ),
  examples: (world) =>
    everyAttacker(world)
      .slice(0, 2)
      .flatMap((pair) => ownActForms.map((form): Input => ({ ...pair, form }))),
  attempt: (world, cell, { attacker, victim, form }) => {
    const sides = { attacker: world.tenant(attacker), victim: world.tenant(victim) }
    const acts = ownActs({ world, object: objectOf(cell), ...sides }, form)
    return acts.length === 0
      ? Promise.resolve(vacuousAttempt)
      : actAttempt(world, sides.attacker, { statements: acts, goesOn: true })
  },
  judge: (attempt, { attacker }, { world, cell }) =>
    readsAfterwards(attempt, { world, attacker, object: cell.name, command: 'write, then read' }) ??
    changedByName(attempt, attacker, cell),
  control: (world, _, tenant) => {
    // Without a row of its own anywhere the tenant proves nothing, and that is no refusal by privilege.
    const [sql = 'SELECT 1 AS reached WHERE false'] = ownSelects(world, tenant)
    return world.attempt([...world.enter(tenant), { sql, role: 'control' }])
  },
})

/** A view of which no row is known takes the writes of foreign values only. */
function isActedOn(world: World, object: WorldObject): boolean {
  return everyAttacker(world).some((pair) => {
    const sides = { attacker: world.tenant(pair.attacker), victim: world.tenant(pair.victim) }
    return ownActForms.some((form) => ownActs({ world, object, ...sides }, form).length > 0)
  })
}

/** Rows of others that are fewer or different; a new row that names somebody is the attacker's own. */
function changedByName(attempt: Attempt, attacker: string, cell: Cell): Witness | null {
  const changed = changesOf(attempt).find(
    ({ owner, rowsAfter, rowsBefore }) => owner !== null && rowsAfter <= rowsBefore,
  )
  return changed === undefined
    ? null
    : {
        sentence:
          `Tenant ${attacker} changes rows of ${changed.owner ?? ''} in ${changed.relation} ` +
          `by rows of its own in ${cell.name}`,
        rows: [],
        victim: changed.owner,
        command: 'write, then read',
      }
}

/** What is read after the writes shows at least the tenant's own rows, or it shows nothing to anybody. */
function ownSelects(world: World, tenant: Tenant): readonly string[] {
  return world.objects
    .filter((object) => (object.rowsOf(tenant.id) ?? 0) > 0 && may(object, tenant, 'SELECT'))
    .flatMap((object) => targetOf(object, tenant)?.address ?? [])
    .map((address) => `SELECT 1 AS reached FROM ${address} LIMIT 1`)
}
