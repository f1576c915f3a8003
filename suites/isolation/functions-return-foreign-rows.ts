// Every function that the application may call: with foreign ids and texts, with texts that are patterns, SQL or
// names, and with the search_path of somebody else.

import fc from 'fast-check'
import {
  anyPair,
  callableFunctions,
  callFunction,
  defineProbe,
  everyAttacker,
  foreignContent,
  functionSignature,
  hostileTexts,
  identifier,
  type Pair,
  type Statement,
  type World,
} from '../../src/index.ts'

interface Input extends Pair {
  /** Which of the victim's values that fit an argument. */
  readonly choice: number
  /** Index of a hostile text that replaces every text argument; -1 keeps the values. */
  readonly text: number
  readonly path: 'own' | 'victim' | 'public'
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
  cells: (world) =>
    callableFunctions(world).map((entry) => ({
      object: null,
      name: functionSignature(entry),
      path: 'function',
    })),
  inputs: (world) =>
    fc
      .record({
        pair: anyPair(world),
        choice: fc.nat({ max: 15 }),
        text: fc.integer({ min: -1, max: texts(world) - 1 }),
        path: fc.constantFrom('own' as const, 'victim' as const, 'public' as const),
      })
      .map(
        ({ pair, ...rest }) => ({ ...pair, ...rest }),
        (value) => {
          const { attacker, victim, ...rest } = value as Input
          return { pair: { attacker, victim }, ...rest }
        },
      ),
  examples: (world) => {
    const [first, second] = everyAttacker(world)
    if (first === undefined) return []
    const with_ = (more: Partial<Input>, pair: Pair = first): Input => ({
      ...pair,
      choice: 0,
      text: -1,
      path: 'own',
      ...more,
    })
    return [
      with_({}),
      with_({ path: 'victim' }),
      ...Array.from({ length: texts(world) }, (_, text) => with_({ text })),
      ...Array.from({ length: 15 }, (_, choice) => with_({ choice: choice + 1 })),
      with_({}, second),
    ]
  },
  attempt: (world, cell, { attacker, victim, choice, text, path }) => {
    const [own, foreign] = [world.tenant(attacker), world.tenant(victim)]
    const hostile = hostileTexts(foreign)[text]
    return world.attempt([
      ...world.enter(own),
      ...pathOf(path, foreign.schema),
      callFunction(
        { world, cell },
        {
          owner: victim,
          choice,
          ...(hostile === undefined ? { text: victim } : { text: hostile, literally: true }),
        },
        'comparison',
      ),
    ])
  },
  judge: (attempt, { attacker }, { world, cell }) =>
    foreignContent(attempt, {
      world,
      attacker,
      object: cell.name,
      verb: 'reads',
      command: 'function',
      tenantColumn: 'tenant_id',
    }),
  // Reached only when the call was answered: an error ends the transaction before it.
  control: (world, cell, tenant) =>
    world.attempt([
      ...world.enter(tenant),
      callFunction({ world, cell }, { text: tenant.id, owner: tenant.id }, 'comparison'),
      { sql: 'SELECT 1 AS reached', role: 'control' },
    ]),
})

function texts(world: World): number {
  return world.tenants[0] === undefined ? 1 : hostileTexts(world.tenants[0]).length
}

function pathOf(path: Input['path'], schema: string): readonly Statement[] {
  if (path === 'own') return []
  return [
    {
      sql: `SET LOCAL search_path = ${path === 'public' ? 'public' : identifier(schema)}, pg_temp`,
      role: 'context',
    },
  ]
}
