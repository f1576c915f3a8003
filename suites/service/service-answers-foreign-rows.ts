// Over HTTP, as clients come: whatever path, query, header or body name, the token alone says whose rows these are.

import {
  anyServiceInput,
  defineProbe,
  exchangesOf,
  firstServiceInputs,
  foreignAnswer,
  honestControl,
  literal,
  requestOf,
  routeCells,
  routeOf,
  rowsIn,
  rowsOf,
  sendAll,
  stepOf,
  vacuousAttempt,
  type Attempt,
  type Cell,
  type ServiceInput,
  type World,
} from '../../src/index.ts'

/** A sum carries nobody's mark: what the tenant owns of it is asked of the database. */
const summed: Readonly<Record<string, string>> = { '/usage': 'bytes_total' }

function ownSumSql(world: World, { name, object }: Cell, attacker: string): string | null {
  const column = summed[name]
  return column === undefined || object === null
    ? null
    : `SELECT coalesce(sum(${column}), 0)::text AS own
    FROM ${object.addressOf(world.tenant(attacker))} WHERE tenant_id = ${literal(attacker)}`
}

function sumsTooMuch(attempt: Attempt, { attacker }: ServiceInput, cell: Cell) {
  const own = rowsOf(stepOf(attempt, 'proof'))[0]?.['own']
  const rows = exchangesOf(attempt).flatMap(({ answer }) =>
    answer.status < 400 ? rowsIn(answer) : [],
  )
  const sum = rows.reduce((all, row) => all + BigInt(String(row[summed[cell.name] ?? ''] ?? 0)), 0n)
  if (own === undefined || sum <= BigInt(String(own))) return null
  return {
    sentence: `Tenant ${attacker} is told ${sum} by ${cell.path} ${cell.name} and owns ${String(own)} of it`,
    rows: rows.slice(0, 5),
    victim: null,
    command: cell.path,
  }
}

export default defineProbe<ServiceInput>({
  claim: "The service answers no request with a row of another tenant than its token's",
  source: 'https://owasp.org/API-Security/editions/2023/en/0xa1-broken-object-level-authorization/',
  severity: 'critical',
  needs: ['http'],
  remedy:
    'Take the tenant of {relation} from the verified token only, and look rows up inside its context',
  cells: (world) => routeCells(world, () => true),
  inputs: anyServiceInput,
  examples: firstServiceInputs,
  attempt: (world, cell, input) => {
    const request = requestOf({ world, route: routeOf(cell), cell }, input)
    const proof = ownSumSql(world, cell, input.attacker)
    return request === null
      ? Promise.resolve(vacuousAttempt)
      : sendAll(world, [request], {
          attacker: input.attacker,
          ...(proof === null ? {} : { proof }),
        })
  },
  judge: (attempt, input, { world, cell }) =>
    foreignAnswer(attempt, {
      world,
      attacker: input.attacker,
      object: cell.name,
      command: cell.path,
    }) ?? sumsTooMuch(attempt, input, cell),
  control: honestControl,
})
