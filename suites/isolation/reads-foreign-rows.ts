// A tenant's plain SELECTs: by every way of naming a row, with and without the planner's help.

import fc from 'fast-check'
import {
  anyPair,
  cellsOf,
  controlOn,
  defineProbe,
  everyAttacker,
  foreignRows,
  identifier,
  keyCondition,
  literal,
  objectOf,
  ownedTables,
  targetOf,
  type Pair,
  type Row,
  type Target,
} from '../../src/index.ts'

const forms = [
  'all',
  'by key',
  'by tenant',
  'not mine',
  'or true',
  'newest',
  'whole row',
  'sample',
  'lock',
] as const
type Form = (typeof forms)[number]
interface Input extends Pair {
  readonly form: Form
  readonly byName: boolean
}

export default defineProbe<Input>({
  claim: 'A tenant sees no row that another tenant owns',
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'critical',
  needs: ['rows'],
  remedy:
    'ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY; ALTER TABLE {relation} FORCE ROW LEVEL SECURITY; and ' +
    'let the SELECT policy compare tenant_id with the context',
  cells: (world) => cellsOf(ownedTables(world), 'SELECT', 'SELECT'),
  inputs: (world, { object }) =>
    fc
      .record({
        pair: anyPair(world, object),
        form: fc.constantFrom(...forms),
        byName: fc.boolean(),
      })
      .map(({ pair, ...rest }) => ({ ...pair, ...rest }), unpack),
  examples: (world, cell) =>
    everyAttacker(world, cell.object).flatMap((pair): Input[] => [
      { ...pair, form: 'not mine', byName: false },
      { ...pair, form: 'by key', byName: false },
    ]),
  attempt: (world, cell, { attacker, victim, form, byName }) => {
    const object = objectOf(cell)
    const target = targetOf(object, world.tenant(victim))
    const sample = object.samplesOf(victim)[0] ?? {}
    const sql =
      target === null
        ? 'SELECT 1 WHERE false'
        : select(form, target, { attacker, victim, byName, sample })
    return world.attempt([...world.enter(world.tenant(attacker)), { sql, role: 'attack' }])
  },
  judge: (attempt, { attacker }, { world, cell }) =>
    foreignRows(attempt, {
      world,
      attacker,
      object: cell.name,
      verb: 'reads',
      command: 'SELECT',
      tenantColumn: objectOf(cell).relationOf(world.tenant(attacker))?.tenantColumn ?? null,
    }),
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ address }) => `SELECT 1 AS own FROM ${address} LIMIT 1`),
})

interface Names extends Pair {
  readonly byName: boolean
  readonly sample: Row
}

function select(form: Form, target: Target, { attacker, victim, byName, sample }: Names): string {
  // By name it may be another tenant's relation, with columns of its own.
  const wanted =
    byName && target.relation.columns.every((column) => column.selectable) ? '*' : target.columns
  const from = `SELECT ${wanted} FROM ${byName ? identifier(target.relation.name) : target.address}`
  const tenant = target.tenantColumn === null ? null : identifier(target.tenantColumn)
  switch (form) {
    case 'all':
      return `${from} LIMIT 200`
    case 'by key':
      return Object.keys(sample).length === 0
        ? `${from} LIMIT 200`
        : `${from} WHERE ${keyCondition(target.relation, sample)}`
    case 'by tenant':
      return tenant === null
        ? `${from} OFFSET 1 LIMIT 200`
        : `${from} WHERE ${tenant} = ${literal(victim)} LIMIT 50`
    case 'not mine':
      return tenant === null
        ? `${from} LIMIT 500`
        : `${from} WHERE ${tenant} IS DISTINCT FROM ${literal(attacker)} LIMIT 50`
    case 'or true':
      return `${from} WHERE ${tenant ?? '1'} = ${tenant === null ? '1' : literal(victim)} OR true LIMIT 200`
    case 'newest':
      return `${from} ORDER BY 1 DESC LIMIT 50`
    case 'whole row':
      return `SELECT to_jsonb(t) AS whole FROM ${target.address} t LIMIT 200`
    case 'sample':
      return target.relation.kind === 'foreign table'
        ? `${from} LIMIT 200`
        : `${from} TABLESAMPLE BERNOULLI (100) LIMIT 200`
    case 'lock':
      return target.relation.applicationPrivileges.includes('UPDATE')
        ? `${from} LIMIT 200 FOR UPDATE`
        : `${from} LIMIT 200`
  }
}

function unpack(value: unknown): { pair: Pair; form: Form; byName: boolean } {
  const { attacker, victim, form, byName } = value as Input
  return { pair: { attacker, victim }, form, byName }
}
