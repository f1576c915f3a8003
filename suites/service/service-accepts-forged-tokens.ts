// Every known way of making a token that the issuer never gave, on every route that wants one.

import fc from 'fast-check'
import {
  anyTenantId,
  defineProbe,
  exchangesOf,
  forgeryKinds,
  honestControl,
  honestRequest,
  routeCells,
  routeOf,
  sendAll,
  vacuousAttempt,
  type World,
} from '../../src/index.ts'

interface Input {
  readonly attacker: string
  readonly kind: string
}

const cellsOf = (world: World) => routeCells(world, ({ isGuarded }) => isGuarded)

export default defineProbe<Input>({
  claim: 'The service takes no token that the issuer did not make for it, now',
  source: 'https://www.rfc-editor.org/rfc/rfc8725',
  severity: 'critical',
  needs: ['http'],
  remedy:
    'Pin the algorithms, and verify signature, issuer, audience, expiry and tenant before anything else is done',
  cells: cellsOf,
  inputs: (world) =>
    fc.record({ attacker: anyTenantId(world), kind: fc.constantFrom(...forgeryKinds) }),
  // Each cell begins elsewhere, so that a short search tries every forgery on some route.
  examples: (world, cell) => {
    const first =
      cellsOf(world).findIndex(({ name, path }) => name === cell.name && path === cell.path) * 6
    return forgeryKinds.map((_, index): Input => ({
      attacker: world.tenants[index % world.tenants.length]?.id ?? '',
      kind: forgeryKinds[(first + index) % forgeryKinds.length] ?? '',
    }))
  },
  attempt: (world, cell, { attacker, kind }) => {
    const request = honestRequest({ world, route: routeOf(cell), cell }, attacker)
    if (request?.token == null) return Promise.resolve(vacuousAttempt)
    // A scope that the forgery itself adds was not signed.
    const { scope, ...token } = request.token
    const scoped =
      kind.includes('scope') || scope === undefined ? { ...token, kind } : { ...token, scope, kind }
    return sendAll(world, [{ ...request, token: scoped }], { attacker })
  },
  judge: (attempt, { attacker, kind }, { cell }) => {
    const status = exchangesOf(attempt)[0]?.answer.status ?? 500
    return status === 401 || status >= 500
      ? null
      : {
          sentence:
            `The service takes a token for ${attacker} that is a forgery (${kind}) at ${cell.path} ${cell.name}: ` +
            `HTTP ${status}`,
          rows: [],
          victim: attacker,
          command: cell.path,
        }
  },
  control: honestControl,
})
