// The other direction for writes: a right that the platform grants and that affects no own row is a fault too.

import {
  anyTenantId,
  affectedBy,
  deferred,
  defineProbe,
  isDenial,
  may,
  objectOf,
  ownedTables,
  stepOf,
  vacuousAttempt,
  writeForms,
  writeRequest,
  type Cell,
  type Step,
} from '../../src/index.ts'
import fc from 'fast-check'

interface Input {
  readonly attacker: string
}
const paths = ['own INSERT', 'own UPDATE', 'own DELETE'] as const

export default defineProbe<Input>({
  claim: 'A tenant can write its own rows wherever the platform lets it write',
  source: 'https://www.postgresql.org/docs/current/sql-createpolicy.html',
  severity: 'medium',
  needs: ['writes'],
  remedy: "Give {relation} a permissive policy for the command that matches the tenant's own rows",
  cells: (world) =>
    ownedTables(world).flatMap((object) =>
      writeForms
        .filter(
          ({ id, privilege }) =>
            paths.some((path) => path === id) && world.expects({ name: object.name, privilege }),
        )
        .map((form): Cell => ({
          object,
          name: object.name,
          path: form.id.replace('own', 'own rows'),
          privilege: form.privilege,
        })),
    ),
  inputs: (world) => fc.record({ attacker: anyTenantId(world) }),
  examples: (world) => world.tenants.map(({ id }): Input => ({ attacker: id })),
  attempt: (world, cell, { attacker }) => {
    const tenant = world.tenant(attacker)
    const form = writeForms.find(({ id }) => id.replace('own', 'own rows') === cell.path)
    const request = writeRequest(world, objectOf(cell), { attacker: tenant, victim: tenant })
    const statements = request === null ? null : (form?.build(request) ?? null)
    return statements === null
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([
          ...world.enter(tenant),
          ...(cell.privilege === 'INSERT' ? [] : [deferred]),
          ...statements,
        ])
  },
  judge: (attempt, { attacker }, { world, cell }) => {
    const step = stepOf(attempt, 'attack')
    // Where nobody holds the right nothing can be told; where others hold it this tenant lost something.
    if (!world.tenants.some((tenant) => may(objectOf(cell), tenant, cell.privilege ?? 'INSERT')))
      return null
    if (
      step === null ||
      affectedBy(step) > 0 ||
      (step.observation.kind !== 'rows' && !isDenial(step))
    )
      return null
    return {
      sentence:
        `Tenant ${attacker} may write ${cell.name} and its ${cell.path.replace('own rows ', '')} ` +
        `of an own row ${failure(step)}`,
      rows: [],
      victim: attacker,
      command: cell.path,
    }
  },
  control: (world, cell, tenant) => {
    const request = writeRequest(world, objectOf(cell), { attacker: tenant, victim: tenant })
    return request === null || !may(objectOf(cell), tenant, cell.privilege ?? 'INSERT')
      ? null
      : world.attempt([...world.enter(tenant), { sql: 'SELECT 1 AS reached', role: 'control' }])
  },
})

function failure({ observation }: Step): string {
  return observation.kind === 'rows'
    ? 'affects none'
    : `fails with ${observation.sqlstate ?? ''}: ${observation.message}`
}
