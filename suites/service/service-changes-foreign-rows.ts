// The service commits, so what a request changed is read from a database of the harness's own, and undone there.

import {
  anyServiceInput,
  changedForeignRows,
  defineProbe,
  firstServiceInputs,
  honestControl,
  requestOf,
  routeCells,
  routeOf,
  sendAll,
  vacuousAttempt,
  type ServiceInput,
} from '../../src/index.ts'

export default defineProbe<ServiceInput>({
  claim:
    "No request to the service adds, changes or removes a row of another tenant than its token's",
  source: 'https://owasp.org/API-Security/editions/2023/en/0xa1-broken-object-level-authorization/',
  severity: 'critical',
  needs: ['http'],
  remedy:
    "Write {relation} inside the context of the token's tenant, and set tenant_id from the token only",
  cells: (world) => routeCells(world, ({ method }) => method !== 'GET'),
  inputs: anyServiceInput,
  examples: firstServiceInputs,
  attempt: (world, cell, input) => {
    const request = requestOf({ world, route: routeOf(cell), cell }, input)
    return request === null ? Promise.resolve(vacuousAttempt) : sendAll(world, [request], input)
  },
  judge: (attempt, { attacker }, { world, cell }) =>
    changedForeignRows(attempt, {
      world,
      attacker,
      object: cell.object?.name ?? cell.name,
      command: cell.path,
    }),
  control: honestControl,
})
