// The other direction: isolation that hides a tenant's own rows is a fault too (availability).

import fc from 'fast-check'
import {
  anyTenantId,
  cellsOf,
  controlOn,
  count,
  defineProbe,
  isDenial,
  may,
  objectOf,
  ownedTables,
  rowsOf,
  stepOf,
  targetOf,
} from '../../src/index.ts'

interface Input {
  readonly attacker: string
}

export default defineProbe<Input>({
  claim: 'A tenant sees all of its own rows',
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'high',
  needs: ['rows'],
  remedy: "Give {relation} a permissive SELECT policy that matches the tenant's own rows exactly",
  cells: (world) =>
    cellsOf(ownedTables(world), 'own rows', 'SELECT').filter(
      ({ object }) =>
        world.tenants.some(
          (tenant) =>
            object?.rowsOf(tenant.id) !== 0 &&
            (object?.relationOf(tenant)?.applicationPrivileges.includes('SELECT') ?? false),
        ) ||
        (object !== null && world.expects({ name: object.name, privilege: 'SELECT' })),
    ),
  inputs: (world) => fc.record({ attacker: anyTenantId(world) }),
  examples: (world) => world.tenants.map(({ id }): Input => ({ attacker: id })),
  attempt: (world, cell, { attacker }) => {
    const tenant = world.tenant(attacker)
    const target = targetOf(objectOf(cell), tenant)
    const sql = target === null ? 'SELECT 0 AS n' : `SELECT count(*) AS n FROM ${target.address}`
    return world.attempt([...world.enter(tenant), { sql, role: 'attack' }])
  },
  judge: (attempt, { attacker }, { world, cell }) => {
    const own = objectOf(cell).rowsOf(attacker)
    const failed = attempt.steps.find(({ observation }) => observation.kind !== 'rows')
    // Where nobody holds the right nothing can be told; where others hold it this tenant lost something.
    const granted = world.tenants.some((tenant) => may(objectOf(cell), tenant, 'SELECT'))
    if (failed !== undefined && own !== 0 && world.expects(cell) && granted && isDenial(failed)) {
      return {
        sentence:
          `Tenant ${attacker} owns ${count(own ?? 1, 'row')} in ${cell.name} and cannot read them: ` +
          (failed.observation.kind === 'rows'
            ? ''
            : `${failed.observation.sqlstate ?? ''} ${failed.observation.message}`),
        rows: [],
        victim: attacker,
        command: 'own rows',
      }
    }
    const [row] = rowsOf(stepOf(attempt, 'attack'))
    if (own === null || row === undefined || Number(row['n']) >= own) return null
    return {
      sentence: `Tenant ${attacker} owns ${count(own, 'row')} in ${cell.name} and sees ${String(row['n'])}`,
      rows: [row],
      victim: attacker,
      command: 'own rows',
    }
  },
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ address }) => `SELECT 1 AS own FROM ${address} LIMIT 1`),
})
