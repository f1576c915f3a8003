// A view that answers differently when another tenant's rows are gone, or more, has looked at them: sums, counts
// and ranks carry no mark, but they give away as much.

import fc from 'fast-check'
import {
  cellsOf,
  defineProbe,
  everyAttacker,
  identifier,
  impersonated,
  may,
  objectOf,
  rowsOf,
  rowsOfOthersRemoved,
  rowsOfTenantAdded,
  targetOf,
  vacuousAttempt,
  type Attempt,
  type Cell,
  type Pair,
  type Row,
  type Statement,
  type World,
  type WorldObject,
} from '../../src/index.ts'

interface Input extends Pair {
  readonly form: 'removed' | 'added'
}

export default defineProbe<Input>({
  claim:
    'No view, and no table without owners, shows a number that depends on rows of another tenant',
  source: 'https://www.postgresql.org/docs/current/sql-createview.html',
  severity: 'medium',
  needs: ['rows'],
  remedy:
    'ALTER VIEW {relation} SET (security_invoker = true), or group it by the tenant and filter by the context',
  cells: (world) =>
    cellsOf(
      world.objects.filter(
        (object) =>
          hasNoOwner(world, object) &&
          world.tenants.some((tenant) => may(object, tenant, 'SELECT')),
      ),
      'numbers',
      'SELECT',
    ),
  inputs: (world, { object }) => fc.constantFrom(...experiments(world, object)),
  examples: (world, { object }) => experiments(world, object).slice(0, 4),
  attempt: (world, cell, input) => {
    const target = targetOf(objectOf(cell), world.tenant(input.attacker))
    if (target === null) return Promise.resolve(vacuousAttempt)
    const sums = target.relation.columns
      .filter(({ selectable }) => selectable)
      .map(({ name }) => identifier(name))
      .map(
        (name) =>
          `coalesce(sum(hashtextextended(t.${name}::text, 0)::numeric), 0)::text AS ${name}`,
      )
    const sql = `SELECT ${['count(*)::text AS watertight_n', ...sums].join(', ')} FROM ${target.address} t`
    return compared(world, input, { sql, role: 'comparison' })
  },
  judge: (attempt, { attacker, victim, form }, { cell }) => {
    const [first, again, without] = answersOf(attempt)
    if (first === undefined || again === undefined || without === undefined) return null
    const differing = Object.keys(first).find(
      (name) => first[name] === again[name] && first[name] !== without[name],
    )
    return differing === undefined
      ? null
      : {
          sentence:
            `Tenant ${attacker} sees other values in ${cell.name} when rows of ` +
            (form === 'removed' ? 'all others are removed' : `${victim} are added`),
          rows: [first, without],
          victim: form === 'removed' ? null : victim,
          command: 'numbers',
        }
  },
  control: (world, cell, tenant) => {
    const target = targetOf(objectOf(cell), tenant)
    return target === null || !may(objectOf(cell), tenant, 'SELECT')
      ? null
      : world.attempt([
          ...world.enter(tenant),
          // A sum over no row is a row, too: it says something where the administrator sees none either.
          {
            sql:
              `SELECT count(*) AS n FROM ${target.address} ` +
              `HAVING count(*) ${objectOf(cell).rowsTotal === 0 ? '=' : '>'} 0`,
            role: 'control',
          },
        ])
  },
})

/** Views show what their query makes of rows; tables that name no owner hold what triggers made of them. */
function hasNoOwner(world: World, object: WorldObject): boolean {
  if (object.kind === 'view' || object.kind === 'materialized view') return true
  return object.kind === 'table' && object.shared && world.tenants[0] !== undefined
}

function experiments(world: World, object: Cell['object']): readonly Input[] {
  const able = everyAttacker(world).filter(
    ({ attacker }) => object?.relationOf(world.tenant(attacker)) !== null,
  )
  return able.flatMap((pair): Input[] => [
    { ...pair, form: 'removed' },
    { ...pair, form: 'added' },
  ])
}

/** Asked twice before: an answer that changes by itself, as an age does, proves nothing. */
async function compared(world: World, input: Input, ask: Statement): Promise<Attempt> {
  const [attacker, victim] = [world.tenant(input.attacker), world.tenant(input.victim)]
  const refresh = world.objects
    .filter(({ kind }) => kind === 'materialized view')
    .flatMap((object) => targetOf(object, attacker)?.address ?? [])
    .map((address) => `REFRESH MATERIALIZED VIEW ${address}`)
  const change =
    input.form === 'removed'
      ? rowsOfOthersRemoved(world, attacker)
      : rowsOfTenantAdded(world, victim)
  const asked: Attempt[] = []
  for (const prepare of [refresh, refresh, [...change, ...refresh]]) {
    asked.push(await impersonated(world, { attacker, prepare, statements: [ask] }))
  }
  return { backendPid: asked[0]?.backendPid ?? null, steps: asked.flatMap(({ steps }) => steps) }
}

function answersOf(attempt: Attempt): readonly Row[] {
  const compared = attempt.steps.filter(({ role }) => role === 'comparison')
  return compared.flatMap((step) => rowsOf(step).slice(0, 1))
}
