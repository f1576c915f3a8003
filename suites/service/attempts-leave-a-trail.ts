// Who names another tenant, or asks for its row, is refused or finds nothing; that is in the trail of who tried it, not
// of whom it was aimed at.

import {
  anyServiceInput,
  changedForeignRows,
  defineProbe,
  exchangesOf,
  firstServiceInputs,
  honestControl,
  literal,
  requestOf,
  routeCells,
  routeOf,
  rowsOf,
  sendAll,
  vacuousAttempt,
  type Attempt,
  type ServiceInput,
  type World,
} from '../../src/index.ts'

const table = 'audit_tenant_access'

/** Lines of the tenant's own trail, granted and refused ones. */
function trailSql(world: World, attacker: string): string {
  const address =
    world.objects.find(({ name }) => name === table)?.addressOf(world.tenant(attacker)) ?? table
  return `SELECT count(*) FILTER (WHERE success) AS granted, count(*) FILTER (WHERE NOT success) AS refused
    FROM ${address} WHERE tenant_id = ${literal(attacker)}`
}

function grew(attempt: Attempt, column: 'granted' | 'refused'): boolean {
  const [before, after] = attempt.steps
    .filter(({ role }) => role === 'proof')
    .map((step) => rowsOf(step)[0])
  return Number(after?.[column]) > Number(before?.[column])
}

export default defineProbe<ServiceInput>({
  claim:
    "What the service grants, and what it refuses in another tenant's name, is in the trail of who asked alone",
  source: 'https://owasp.org/Top10/A09_2021-Security_Logging_and_Monitoring_Failures/',
  severity: 'medium',
  needs: ['http'],
  remedy:
    "Record access and refusals in the context of the token's tenant, a refusal in a transaction of its own",
  cells: (world) => routeCells(world, ({ isGuarded }) => isGuarded),
  inputs: anyServiceInput,
  examples: (world, cell) =>
    firstServiceInputs(world, cell).map((input) => ({ ...input, strict: true })),
  attempt: (world, cell, input) => {
    const request = requestOf({ world, route: routeOf(cell), cell }, input)
    const proof = trailSql(world, input.attacker)
    return request === null
      ? Promise.resolve(vacuousAttempt)
      : sendAll(world, [request], { ...input, proof })
  },
  judge: (attempt, { attacker, victim }, { world, cell }) => {
    const command = cell.path
    const status = exchangesOf(attempt)[0]?.answer.status ?? 500
    const elsewhere = changedForeignRows(attempt, { world, attacker, object: table, command })
    if (elsewhere !== null && elsewhere.sentence.includes(table))
      return { ...elsewhere, severity: 'high' }
    const column = status < 400 ? 'granted' : 'refused'
    // What cannot be read as a request is nobody's attempt; a row that is not there may be somebody's.
    if ((status >= 400 && status !== 403 && status !== 404) || grew(attempt, column)) return null
    return {
      sentence:
        `Tenant ${attacker} is ${column} ${command} ${cell.name} (HTTP ${status}, ${victim} is named), ` +
        'and its trail has no line of it',
      rows: [],
      victim: null,
      command,
    }
  },
  control: honestControl,
})
