// Every function that the application may call: with values of every type that are another tenant's, with texts that
// are patterns, SQL or names, with fewer arguments, and with the search_path of somebody else.

import fc from 'fast-check'
import {
  anyCalls,
  callsApart,
  callsChosen,
  defineProbe,
  firstCalls,
  foreignFunctionContent,
  functionCells,
  identifier,
  ownCalls,
  vacuousAttempt,
  type Calls,
  type Statement,
} from '../../src/index.ts'

const paths = ['own', 'victim', 'public'] as const
interface Input extends Calls {
  readonly path: (typeof paths)[number]
}

export default defineProbe<Input>({
  claim: 'No function returns a foreign row, whatever it is asked for',
  source:
    'https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY',
  severity: 'critical',
  needs: ['rows'],
  remedy:
    'Make {relation} SECURITY INVOKER, or compare its argument with the context, pin its search_path and ' +
    'pass values as parameters',
  cells: (world) => functionCells(world, 'function'),
  inputs: (world) =>
    fc.record({ input: anyCalls(world), path: fc.constantFrom(...paths) }).map(
      ({ input, path }) => ({ ...input, path }),
      (value) => {
        const { path, ...input } = value as Input
        return { input, path }
      },
    ),
  examples: (world, cell) => {
    const [first, ...more] = firstCalls(world, cell)
    if (first === undefined) return []
    return [
      { ...first, path: 'own' },
      { ...first, path: 'victim' },
      ...more.map((input): Input => ({ ...input, path: 'own' })),
      { ...first, path: 'public' },
    ]
  },
  attempt: (world, cell, input) => {
    const calls = callsChosen({ world, cell }, input)
    if (calls.length === 0) return Promise.resolve(vacuousAttempt)
    return world.attempt([
      ...world.enter(world.tenant(input.attacker)),
      ...pathOf(input.path, world.tenant(input.victim).schema),
      ...callsApart(calls),
    ])
  },
  judge: (attempt, { attacker }, { world, cell }) =>
    foreignFunctionContent(attempt, {
      world,
      attacker,
      object: cell.name,
      verb: 'reads',
      command: 'function',
      tenantColumn: 'tenant_id',
    }),
  control: (world, cell, tenant) => ownCalls({ world, cell }, tenant),
})

function pathOf(path: Input['path'], schema: string): readonly Statement[] {
  if (path === 'own') return []
  return [
    {
      sql: `SET LOCAL search_path = ${path === 'public' ? 'public' : identifier(schema)}, pg_temp`,
      role: 'context',
    },
  ]
}
