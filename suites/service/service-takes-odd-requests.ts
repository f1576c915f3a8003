// Rows and tenants named where nobody thought of, keys that two tenants use, and the same request at the same time.

import fc from 'fast-check'
import {
  anyPair,
  changedForeignRows,
  defineProbe,
  everyAttacker,
  exchangesOf,
  foreignToItsAsker,
  honestControl,
  keyUsedTwice,
  oddForms,
  oddRequests,
  routeCells,
  routeOf,
  sameAtOnce,
  sendAll,
  vacuousAttempt,
  type Pair,
} from '../../src/index.ts'

interface Input extends Pair {
  readonly strict: boolean
  /** Forms of odd requests, or one of the two that several tenants take part in. */
  readonly forms: readonly string[]
}

const twice = 'a key used twice'
const atOnce = 'the same at once'
/** A case is many requests, and the fixed ones have every form. */
const runsMax = 4

const probe = defineProbe<Input>({
  claim:
    'No request that the service was not written for reads or changes what is another tenant’s',
  source:
    'https://owasp.org/API-Security/editions/2023/en/0xa3-broken-object-property-level-authorization/',
  severity: 'critical',
  needs: ['http'],
  remedy:
    "Look every id up in the context of the token's tenant, wherever it stands; let keys of caches contain the tenant",
  cells: (world) => routeCells(world, ({ isGuarded }) => isGuarded),
  inputs: (world, { object }) =>
    fc
      .record({
        pair: anyPair(world, object),
        strict: fc.boolean(),
        forms: fc.oneof(
          fc.subarray([...oddForms], { minLength: 1, maxLength: 3 }),
          fc.constantFrom([twice], [atOnce]),
        ),
      })
      .map(({ pair, ...rest }) => ({ ...pair, ...rest })),
  examples: (world, { object, path }) =>
    everyAttacker(world, object)
      .slice(0, 1)
      .flatMap((pair) => [
        { ...pair, strict: false, forms: oddForms },
        { ...pair, strict: true, forms: [atOnce] },
        ...(path === 'GET' ? [] : [{ ...pair, strict: true, forms: [twice] }]),
      ]),
  attempt: (world, cell, { forms, ...ask }) => {
    const aim = { world, route: routeOf(cell), cell }
    const [form] = forms
    const requests =
      form === atOnce
        ? sameAtOnce(aim, ask)
        : form === twice
          ? keyUsedTwice(aim, ask)
          : oddRequests(aim, ask, forms)
    return requests.length === 0
      ? Promise.resolve(vacuousAttempt)
      : sendAll(world, requests, { attacker: ask.attacker, together: form === atOnce })
  },
  judge: (attempt, { attacker }, { world, cell }) => {
    const suspicion = { world, attacker, object: cell.name, command: cell.path }
    const seen = foreignToItsAsker(attempt, suspicion)
    // What the victim wrote itself is no one's attack.
    const isAlone = exchangesOf(attempt).every(({ request }) => request.token?.tenant === attacker)
    return seen ?? (isAlone ? changedForeignRows(attempt, suspicion) : null)
  },
  control: honestControl,
})

export default {
  ...probe,
  search: (world, cell, settings) => {
    const most = settings.examplesMax === undefined ? runsMax : 1
    return probe.search(world, cell, { ...settings, runs: Math.min(settings.runs, most) })
  },
} satisfies typeof probe
