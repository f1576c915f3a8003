// Tables that do not exist yet: default privileges open them before anybody has thought of a policy.

import {
  anyPair,
  defineProbe,
  everyAttacker,
  foreignContent,
  identifier,
  impersonated,
  ownedTables,
  qualified,
  vacuousAttempt,
  type Pair,
  type Scene,
  type World,
} from '../../src/index.ts'

const name = 'watertight_future'

export default defineProbe<Pair>({
  claim: 'A table that its owner creates tomorrow is closed until somebody opens it',
  source: 'https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html',
  severity: 'high',
  needs: ['rows'],
  remedy: 'ALTER DEFAULT PRIVILEGES ... REVOKE; grant on each table after its policies stand',
  cells: (world) =>
    creators(world).map((owner) => ({
      object: null,
      name: `tables of ${owner}`,
      path: 'future table',
    })),
  inputs: (world) => anyPair(world),
  examples: (world) => everyAttacker(world).slice(0, 3),
  attempt: async (world, cell, { attacker, victim }) => {
    const owner = creators(world).find((each) => `tables of ${each}` === cell.name)
    const victims = [victim, ...world.tenants.map(({ id }) => id)].filter((id) => id !== attacker)
    const source =
      victims.map((id) => sourceOf(world, id, owner ?? '')).find((each) => each !== null) ?? null
    if (owner === undefined || source === null) return vacuousAttempt
    const table = `${identifier(source.schema)}.${identifier(name)}`
    return impersonated(world, {
      attacker: world.tenant(attacker),
      prepare: [
        `GRANT CREATE ON SCHEMA ${identifier(source.schema)} TO ${identifier(owner)}`,
        `SET LOCAL ROLE ${identifier(owner)}`,
        `CREATE TABLE ${table} (LIKE ${qualified(source)})`,
        'RESET ROLE',
        `INSERT INTO ${table} SELECT * FROM ${qualified(source)}`,
      ],
      statements: [{ sql: `SELECT * FROM ${table} LIMIT 500`, role: 'attack' }],
    })
  },
  judge: (attempt, { attacker }, scene) => {
    return foreignContent(attempt, {
      world: scene.world,
      attacker,
      object: scene.cell.name,
      verb: 'reads',
      command: 'future table',
      tenantColumn: 'tenant_id',
    })
  },
  // Nobody may read such a table: that it is refused is what holds.
  control: () => null,
})

/** Owners of the tables that exist: they will create the next ones too. */
function creators(world: World): readonly string[] {
  return [
    ...new Set(
      ownedTables(world).flatMap((object) =>
        world.tenants.slice(0, 2).flatMap((tenant) => object.relationOf(tenant)?.owner ?? []),
      ),
    ),
  ].filter(
    (owner) => world.tenants.filter(({ id }) => sourceOf(world, id, owner) !== null).length > 0,
  )
}

function sourceOf(world: Scene['world'], victim: string, owner: string) {
  const tenant = world.tenant(victim)
  const object = ownedTables(world).find(
    (each) =>
      each.kind === 'table' &&
      (each.rowsOf(victim) ?? 0) > 0 &&
      each.relationOf(tenant)?.owner === owner,
  )
  return object?.relationOf(tenant) ?? null
}
