// Two steps: a tenant writes a row that names itself and another one, and then reads what that row opens. Policies
// that ask a table of members, shares or grants are only as good as the rights on that table.

import {
  anyPair,
  attackId,
  defineProbe,
  everyAttacker,
  foreignContent,
  identifier,
  literal,
  ownedTables,
  sharingColumns,
  targetOf,
  vacuousAttempt,
  type Cell,
  type Pair,
  type Scene,
  type Statement,
} from '../../src/index.ts'
import fc from 'fast-check'

interface Input extends Pair {
  readonly swapped: boolean
}

export default defineProbe<Input>({
  claim: "No row that a tenant may write opens another tenant's rows to it",
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'critical',
  needs: ['writes'],
  remedy:
    'REVOKE INSERT and UPDATE ON {relation}, or give it policies of its own: other policies rely on its rows',
  cells: (world) =>
    world.objects
      .filter(
        (object) =>
          object.kind === 'table' &&
          world.tenants.some((tenant) => sharingColumns(object.relationOf(tenant)).length > 0),
      )
      .map((object): Cell => ({
        object,
        name: object.name,
        path: 'write, then read',
        privilege: 'INSERT',
      })),
  inputs: (world) =>
    fc.record({ pair: anyPair(world), swapped: fc.boolean() }).map(
      ({ pair, swapped }) => ({ ...pair, swapped }),
      (value) => {
        const { attacker, victim, swapped } = value as Input
        return { pair: { attacker, victim }, swapped }
      },
    ),
  examples: (world) =>
    everyAttacker(world)
      .slice(0, 2)
      .flatMap((pair): Input[] => [
        { ...pair, swapped: false },
        { ...pair, swapped: true },
      ]),
  attempt: (world, cell, input) => {
    const insert = sharingRow({ world, cell }, input)
    return insert === null
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([
          ...world.enter(world.tenant(input.attacker)),
          { sql: insert, role: 'comparison' },
          ...reads({ world, cell }, input),
        ])
  },
  judge: (attempt, { attacker, victim }, { world, cell }) => {
    const seen = foreignContent(
      { ...attempt, steps: attempt.steps.filter(({ role }) => role === 'attack') },
      {
        world,
        attacker,
        object: cell.name,
        verb: 'reads',
        command: 'write, then read',
        tenantColumn: 'tenant_id',
      },
    )
    return seen === null
      ? null
      : {
          ...seen,
          sentence:
            `After a row of its own in ${cell.name} that names ${victim}: ` +
            seen.sentence.replace(` from ${cell.name}`, ''),
        }
  },
  control: (world, _, tenant) =>
    world.attempt([...world.enter(tenant), { sql: 'SELECT 1 AS reached', role: 'control' }]),
})

/** Columns that may name tenants get the one or the other, the rest a value that anybody may write. */
function sharingRow({ world, cell }: Scene, { attacker, victim, swapped }: Input): string | null {
  const relation = cell.object?.relationOf(world.tenant(attacker)) ?? null
  const names = sharingColumns(relation)
  if (relation === null || names.length === 0) return null
  const sides = swapped ? [attacker, victim] : [victim, attacker]
  const rest = relation.columns.filter(
    ({ name, notNull, hasDefault }) => notNull && !hasDefault && !names.includes(name),
  )
  const values = [
    ...names.map((name, index) => [
      name,
      literal(name === relation.tenantColumn ? attacker : (sides[index % 2] ?? attacker)),
    ]),
    ...rest.map(({ name, type }) => [
      name,
      /^uuid$/.test(type) ? literal(attackId) : /text|char/.test(type) ? `'x'` : `'1'`,
    ]),
  ]
  const [columns, given] = [
    values.map(([name]) => identifier(name ?? '')),
    values.map(([, value]) => value),
  ]
  return (
    `INSERT INTO ${identifier(relation.schema)}.${identifier(relation.name)} ` +
    `(${columns.join(', ')}) VALUES (${given.join(', ')})`
  )
}

function reads({ world }: Scene, { victim }: Input): readonly Statement[] {
  return ownedTables(world)
    .filter(({ kind }) => kind !== 'partition')
    .flatMap((object) => {
      const target = targetOf(object, world.tenant(victim))
      return target?.relation.applicationPrivileges.includes('SELECT') !== true
        ? []
        : [
            {
              sql: `SELECT ${target.columns} FROM ${target.address} LIMIT 500`,
              role: 'attack' as const,
            },
          ]
    })
}
