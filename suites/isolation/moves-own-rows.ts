// Giving an own row away: keyed, and blind, where only WITH CHECK stands in the way.

import fc from 'fast-check'
import {
  affectedBy,
  anyPairOfOwners,
  cellsOf,
  controlOn,
  deferred,
  defineProbe,
  everyAttacker,
  identifier,
  insertLike,
  keyCondition,
  literal,
  objectOf,
  ownedTables,
  stepOf,
  targetOf,
  vacuousAttempt,
  writableColumn,
  type Cell,
  type Pair,
  type World,
} from '../../src/index.ts'

const forms = ['blind', 'by key'] as const
interface Input extends Pair {
  readonly form: (typeof forms)[number]
}

export default defineProbe<Input>({
  claim: 'A tenant cannot move its own row to another tenant',
  source: 'https://www.postgresql.org/docs/current/sql-createpolicy.html',
  severity: 'critical',
  needs: ['writes'],
  remedy:
    'Give the UPDATE policy of {relation} a WITH CHECK clause that compares tenant_id with the context',
  cells: (world) =>
    cellsOf(
      ownedTables(world).filter((object) =>
        world.tenants.some((tenant) => object.relationOf(tenant)?.tenantColumn !== null),
      ),
      'move',
      'UPDATE',
    ),
  inputs: (world, { object }) =>
    fc.record({ pair: anyPairOfOwners(world, object), form: fc.constantFrom(...forms) }).map(
      ({ pair, form }) => ({ ...pair, form }),
      (value) => {
        const { attacker, victim, form } = value as Input
        return { pair: { attacker, victim }, form }
      },
    ),
  examples: (world, cell) =>
    everyAttacker(world, cell.object).map((pair): Input => ({ ...pair, form: 'blind' })),
  attempt: (world, cell, input) => {
    const sql = move(world, cell, input)
    return sql === null
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([
          ...world.enter(world.tenant(input.attacker)),
          deferred,
          { sql, role: 'attack' },
        ])
  },
  judge: (attempt, { attacker, victim }, { cell }) =>
    affectedBy(stepOf(attempt, 'attack')) === 0
      ? null
      : {
          sentence: `Tenant ${attacker} moves its own rows in ${cell.name} to ${victim}`,
          rows: [],
          victim,
          command: 'move',
        },
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ relation, address }, sample) => {
      const column = writableColumn(relation)
      return column === null || Object.keys(sample).length === 0
        ? null
        : `UPDATE ${address} SET ${identifier(column.name)} = ${literal(column.value)} WHERE ` +
            `${keyCondition(relation, sample)}`
    }),
})

/** Where rows carry their owner it is rewritten; where the schema is the owner the row is carried over. */
function move(world: World, cell: Cell, { attacker, victim, form }: Input): string | null {
  const object = objectOf(cell)
  const [own, foreign] = [
    targetOf(object, world.tenant(attacker)),
    targetOf(object, world.tenant(victim)),
  ]
  const sample = object.samplesOf(attacker)[0]
  if (own === null || foreign === null || sample === undefined) return null
  if (own.address !== foreign.address)
    return insertLike(foreign.relation, sample, {
      set: { [own.tenantColumn ?? 'tenant_id']: victim },
    })
  const head = `UPDATE ${own.address} SET ${identifier(own.tenantColumn ?? 'tenant_id')} = ${literal(victim)}`
  return form === 'blind' ? head : `${head} WHERE ${keyCondition(own.relation, sample)}`
}
