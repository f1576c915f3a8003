// Every function that the application may call, with its own, a foreign and a random argument.

import fc from 'fast-check'
import {
  anyPair,
  callFunction,
  callableFunctions,
  defineProbe,
  everyAttacker,
  foreignContent,
  functionSignature,
  type Pair,
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
    callableFunctions(world).map((entry) => ({ object: null, name: functionSignature(entry), path: 'function' })),
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
      callFunction(
        { world, cell },
        {
          text: { victim, attacker, nobody: 'no such tenant' }[argument],
          owner: argument === 'attacker' ? attacker : victim,
        },
        'comparison',
      ),
    ]),
  judge: (attempt, { attacker }, { world, cell }) =>
    foreignContent(attempt, {
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
      callFunction({ world, cell }, { text: tenant.id, owner: tenant.id }, 'control'),
    ]),
})
