// The tenants' views of a table, put together, are the administrator's: nothing foreign, lost or twice.

import fc from 'fast-check'
import {
  cellsOf,
  controlOn,
  countAndHash,
  defineProbe,
  firstOwners,
  may,
  objectOf,
  ownedTables,
  ownGroups,
  rowsOf,
  targetOf,
  textSettings,
  vacuousAttempt,
  type Attempt,
  type Scene,
  type Statement,
  type Tenant,
  type Witness,
  type World,
  type WorldObject,
} from '../../src/index.ts'

/** Tenants whose views are compared in one case. */
interface Input {
  readonly tenants: readonly string[]
}

export default defineProbe<Input>({
  claim: 'What the tenants see of a table is exactly what they own, by number and by content',
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'critical',
  needs: ['rows'],
  remedy:
    'Let the SELECT policies of {relation} match the rows of the context, all of them and no others',
  cells: (world) =>
    cellsOf(
      ownedTables(world).filter((object) =>
        world.tenants.some(
          (tenant) => may(object, tenant, 'SELECT') && saysWhose(world, object, tenant),
        ),
      ),
      'union',
      'SELECT',
    ),
  inputs: (world) =>
    fc.record({
      tenants: fc.uniqueArray(fc.constantFrom(...world.tenants.map(({ id }) => id)), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  examples: (world) => [{ tenants: world.tenants.map(({ id }) => id) }],
  attempt: async (world, cell, { tenants }) => {
    const statements = tenants.flatMap((id) => look({ world, cell }, world.tenant(id)))
    if (statements.length === 0) return vacuousAttempt
    const attempt = await world.attempt([
      ...textSettings.map((sql): Statement => ({ sql, role: 'context' })),
      ...statements,
    ])
    return { ...attempt, truth: await ownGroups(world, objectOf(cell)) }
  },
  judge: (attempt, { tenants }, scene) =>
    differences(
      attempt,
      tenants.filter((id) => look(scene, scene.world.tenant(id)).length > 0),
      scene,
    )[0] ?? null,
  control: (world, cell, tenant) =>
    firstOwners(world, cell.object, 16).includes(tenant.id)
      ? controlOn(
          { world, cell },
          tenant,
          ({ address }) => `SELECT 1 AS own FROM ${address} LIMIT 1`,
        )
      : null,
})

/** Rows that carry no owner are recognised by their marks alone, which is too little to compare sets by. */
function saysWhose(world: World, object: WorldObject, tenant: Tenant): boolean {
  const relation = object.relationOf(tenant)
  return (
    relation !== null &&
    (relation.tenantColumn !== null || world.ownership.ownerByPlace(relation) !== null)
  )
}

function look({ world, cell }: Scene, tenant: Tenant): readonly Statement[] {
  const target = targetOf(objectOf(cell), tenant)
  if (target === null || !may(objectOf(cell), tenant, 'SELECT')) return []
  return [
    ...world.enter(tenant),
    {
      sql: `SELECT ${countAndHash(`ROW(${target.columns})::text`)} FROM ${target.address} t`,
      role: 'attack',
    },
  ]
}

function differences(
  attempt: Attempt,
  tenants: readonly string[],
  { cell }: Scene,
): readonly Witness[] {
  const { truth } = attempt as Attempt & { readonly truth?: Awaited<ReturnType<typeof ownGroups>> }
  const looks = attempt.steps.filter(({ role }) => role === 'attack')
  return tenants.flatMap((tenant, index): Witness[] => {
    const [row] = rowsOf(looks[index] ?? null)
    if (row === undefined || truth === undefined) return []
    const own = truth.get(tenant) ?? { rows: 0, hash: '0' }
    const [rows, hash] = [Number(row['n']), String(row['hash'])]
    if (rows === own.rows && hash === own.hash) return []
    const said = `Tenant ${tenant} owns ${own.rows} rows in ${cell.name} and sees ${rows}`
    return [
      {
        sentence: rows === own.rows ? `${said}, but not the same ones` : said,
        rows: [row],
        victim: rows > own.rows ? null : tenant,
        command: 'union',
        severity: rows < own.rows ? 'high' : 'critical',
      },
    ]
  })
}
