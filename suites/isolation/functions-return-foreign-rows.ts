// Every function that the application may call, with its own, a foreign and a random argument.

import fc from 'fast-check'
import {
  anyPair,
  attackId,
  defineProbe,
  everyAttacker,
  foreignRows,
  identifier,
  literal,
  type FunctionEntry,
  type Pair,
  type Scene,
  type Statement,
  type World,
} from '../../src/index.ts'

const whose = ['victim', 'attacker', 'nobody'] as const
interface Input extends Pair {
  readonly argument: (typeof whose)[number]
}

export default defineProbe<Input>({
  claim: 'No function returns a foreign row, whatever it is asked for',
  source: 'https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY',
  severity: 'critical',
  needs: ['rows'],
  remedy:
    'Make {relation} SECURITY INVOKER, or compare its argument with the context and pin its search_path',
  cells: (world) =>
    callable(world).map((entry) => ({ object: null, name: signature(entry), path: 'function' })),
  inputs: (world) =>
    fc.record({ pair: anyPair(world), argument: fc.constantFrom(...whose) }).map(
      ({ pair, argument }) => ({ ...pair, argument }),
      (value) => {
        const { attacker, victim, argument } = value as Input
        return { pair: { attacker, victim }, argument }
      },
    ),
  examples: (world, cell) =>
    everyAttacker(world, cell.object).map((pair): Input => ({ ...pair, argument: 'victim' })),
  attempt: (world, cell, { attacker, victim, argument }) =>
    world.attempt([
      ...world.enter(world.tenant(attacker)),
      call(
        { world, cell },
        {
          text: { victim, attacker, nobody: 'no such tenant' }[argument],
          owner: argument === 'attacker' ? attacker : victim,
        },
        'comparison',
      ),
    ]),
  judge: (attempt, { attacker }, { world, cell }) =>
    foreignRows(attempt, {
      world,
      attacker,
      object: cell.name,
      verb: 'reads',
      command: 'function',
      tenantColumn: 'tenant_id',
    }),
  control: (world, cell, tenant) =>
    world.attempt([
      ...world.enter(tenant),
      call({ world, cell }, { text: tenant.id, owner: tenant.id }, 'control'),
    ]),
})

function callable(world: World): readonly FunctionEntry[] {
  const own = new Set(world.tenants.slice(1).map((tenant) => tenant.schema))
  return world.catalog.functions.filter(
    (entry) =>
      entry.applicationMayExecute &&
      entry.kind === 'function' &&
      !own.has(entry.schema) &&
      !['trigger', 'event_trigger', 'internal'].includes(entry.returnType),
  )
}

function signature(entry: FunctionEntry): string {
  return `${entry.name}(${entry.argumentTypes.join(', ')})`
}

interface Argument {
  readonly text: string
  readonly owner: string
  readonly index?: number
}

function call({ world, cell }: Scene, { text, owner }: Argument, role: Statement['role']): Statement {
  const entry = callable(world).find((each) => signature(each) === cell.name)
  if (entry === undefined) return { sql: 'SELECT 1 WHERE false', role }
  const first = world.tenants[0]
  const schema = entry.schema === first?.schema ? world.tenant(owner).schema : entry.schema
  const given = entry.argumentTypes.map((type, index) => value(type, { text, owner, index }, world))
  return {
    sql: `SELECT * FROM ${identifier(schema)}.${identifier(entry.name)}(${given.join(', ')}) LIMIT 200`,
    role,
  }
}

function value(type: string, { text, owner, index = 0 }: Argument, world: World): string {
  // Ranges are usual: the first date lies before every row, later ones after.
  const date = index < 2 ? '1990-01-01' : '2090-01-01'
  if (/^(text|character varying|character|name|citext)/.test(type)) return `${literal(text)}::${type}`
  if (type === 'uuid') {
    const sample = world.objects.flatMap((object) => object.samplesOf(owner))[0]
    return `${literal(String(sample?.['id'] ?? attackId))}::uuid`
  }
  if (type === 'date' || type.startsWith('timestamp')) return `'${date}'::${type}`
  if (type === 'boolean') return 'true'
  if (/^(integer|bigint|smallint|numeric|double precision|real)$/.test(type)) return `1000::${type}`
  return `NULL::${type}`
}
