// A function that changes the setting, the role or the path of its session, and does not put it back, leaves it to
// whoever comes next on that connection. The call is committed in a transaction that cannot write.

import fc from 'fast-check'
import {
  anyPair,
  callableFunctions,
  callFunction,
  defineProbe,
  everyAttacker,
  functionSignature,
  ownCalls,
  leftBehind,
  type Left,
  type Attempt,
  type Pair,
} from '../../src/index.ts'

interface Input extends Pair {
  readonly choice: number
}

export default defineProbe<Input>({
  claim: 'No function leaves a context to whoever uses the connection next',
  source: 'https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SET',
  severity: 'critical',
  needs: ['rows'],
  remedy: 'Let {relation} set contexts for its own transaction only, and restore what it found',
  cells: (world) =>
    callableFunctions(world)
      .filter(({ source, language }) => language !== 'sql' || /set_config/i.test(source))
      .filter(
        ({ source, language }) =>
          language !== 'plpgsql' || /set|execute|discard|perform|call/i.test(source),
      )
      .map((entry) => ({ object: null, name: functionSignature(entry), path: 'left context' })),
  inputs: (world) =>
    fc.record({ pair: anyPair(world), choice: fc.nat({ max: 3 }) }).map(
      ({ pair, choice }) => ({ ...pair, choice }),
      (value) => {
        const { attacker, victim, choice } = value as Input
        return { pair: { attacker, victim }, choice }
      },
    ),
  examples: (world) =>
    everyAttacker(world)
      .slice(0, 3)
      .map((pair, choice): Input => ({ ...pair, choice })),
  attempt: (world, cell, { attacker, victim, choice }) =>
    leftBehind(world, {
      attacker: world.tenant(attacker),
      next: world.tenant(victim),
      // Its own values: naming somebody else would be to enter its context by a call.
      call: callFunction({ world, cell }, { owner: attacker, choice }, 'comparison'),
    }),
  judge: (attempt, { attacker }, { cell }) => {
    const [left] = (attempt as Attempt & { readonly left?: readonly Left[] }).left ?? []
    return left === undefined
      ? null
      : {
          sentence:
            `After ${attacker} called ${cell.name}, ${left.reader} on the same connection reads ` +
            `rows of ${left.owner} in ${left.relation}`,
          rows: [left.row],
          victim: left.owner,
          command: 'left context',
        }
  },
  control: (world, cell, tenant) => ownCalls({ world, cell }, tenant),
})
