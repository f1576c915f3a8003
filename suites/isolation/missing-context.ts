// Without a tenant nothing may be reached: never set, set and committed, set to '', malformed. A policy
// that raises (''::uuid) is over-strict and no leak, so any answer of the server counts.

import fc from 'fast-check'
import {
  affectedBy,
  anyTenantId,
  attackRows,
  cellsOf,
  controlOn,
  count,
  deferred,
  defineProbe,
  identifier,
  insertLike,
  literal,
  objectOf,
  ownedTables,
  targetOf,
  vacuousAttempt,
  writableColumn,
  type Cell,
  type MissingContext,
  type Statement,
  type World,
} from '../../src/index.ts'

const forms = ['SELECT', 'UPDATE', 'DELETE', 'INSERT'] as const
interface Input {
  readonly victim: string
  readonly form: (typeof forms)[number]
  readonly state: number
}

export default defineProbe<Input>({
  claim: "A session without a tenant reads and writes nobody's rows",
  source: 'https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SET',
  severity: 'critical',
  needs: ['rows'],
  remedy:
    "Let {relation} fail closed: compare tenant_id with nullif(current_setting(..., true), '')",
  cells: (world) => cellsOf(ownedTables(world), 'no context', 'SELECT'),
  inputs: (world) =>
    fc.record({
      victim: anyTenantId(world),
      form: fc.constantFrom(...forms),
      state: fc.nat({ max: 30 }),
    }),
  examples: (world) => [
    ...world.tenants
      .slice(0, 1)
      .flatMap(({ id: victim }) =>
        [0, 1, 2, 3].flatMap((state) => forms.map((form): Input => ({ victim, form, state }))),
      ),
    ...world.tenants
      .slice(0, 2)
      .flatMap(({ id: victim }) =>
        Array.from({ length: malformedMax }, (_, index): Input => ({
          victim,
          form: 'SELECT',
          state: index + 3,
        })),
      ),
  ],
  attempt: (world, cell, input) => {
    const missing = stateOf(world, input)
    const attack = statement(world, cell, input)
    if (attack === null || missing === null) return Promise.resolve(vacuousAttempt)
    const prelude = missing.prelude.map((sql): Statement => ({ sql, role: 'context' }))
    return world.attempt([...prelude, attack], { freshSession: missing.freshSession })
  },
  judge: (attempt, input, { world, cell }) => {
    const step = attempt.steps.find((each) => each.role === 'comparison') ?? null
    const rows = input.form === 'SELECT' ? attackRows(attempt) : []
    const owned = rows.filter(
      (row) => world.ownership.ownersIn(row, { tenantColumn: 'tenant_id' }).size > 0,
    )
    const reached = input.form === 'SELECT' ? owned.length : affectedBy(step)
    if (reached === 0) return null
    const [victim] =
      owned[0] === undefined
        ? [input.victim]
        : world.ownership.ownersIn(owned[0], { tenantColumn: 'tenant_id' })
    return {
      sentence:
        `A session whose context is ${stateOf(world, input)?.state ?? 'missing'} ${verbs[input.form]} ` +
        `${count(reached, 'row')} in ${cell.name}`,
      rows: owned.slice(0, 5),
      victim: victim ?? null,
      command: 'no context',
    }
  },
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ address }) => `SELECT 1 AS own FROM ${address} LIMIT 1`),
})

/** More than any tenancy has; the index wraps around. */
const malformedMax = 13

const verbs = { SELECT: 'reads', UPDATE: 'updates', DELETE: 'deletes', INSERT: 'inserts' } as const

/** Every state of the tenant, the malformed ones that happen to be another tenant's id left out. */
function stateOf(world: World, { victim, state }: Input): MissingContext | null {
  const states = world.context.missing(world.tenant(victim), world.tenants)
  return states[state % states.length] ?? null
}

function statement(world: World, cell: Cell, { victim, form }: Input): Statement | null {
  const object = objectOf(cell)
  const target = targetOf(object, world.tenant(victim))
  const sample = object.samplesOf(victim)[0]
  if (target === null) return null
  const column = writableColumn(target.relation)
  switch (form) {
    case 'SELECT':
      return { sql: `SELECT ${target.columns} FROM ${target.address} LIMIT 50`, role: 'comparison' }
    case 'DELETE':
      return { sql: `${deferred.sql}; DELETE FROM ${target.address}`, role: 'comparison' }
    case 'INSERT':
      return sample === undefined
        ? null
        : { sql: insertLike(target.relation, sample), role: 'comparison' }
    case 'UPDATE':
      return column === null
        ? null
        : {
            sql: `UPDATE ${target.address} SET ${identifier(column.name)} = ${literal(column.value)}`,
            role: 'comparison',
          }
  }
}
