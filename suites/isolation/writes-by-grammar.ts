// Every form of writing, on every object that can be written: judged by the rows of others, before and after.

import {
  anyPairOfOwners,
  changedForeignRows,
  deferred,
  defineProbe,
  everyOwner,
  firstOwners,
  foreignContent,
  may,
  objectOf,
  readsAfterwards,
  rowsOf,
  vacuousAttempt,
  turnedFor,
  writeAttempt,
  writeForms,
  writeRequest,
  type Attempt,
  type Cell,
  type Pair,
  type Scene,
  type Statement,
  type World,
  type WorldObject,
  type WriteForm,
} from '../../src/index.ts'

export default defineProbe<Pair>({
  claim:
    'No form of writing changes, adds, removes or takes over a row of another tenant, in any table',
  source: 'https://www.postgresql.org/docs/current/sql-createpolicy.html',
  severity: 'critical',
  judgedWorldsOnly: true,
  needs: ['writes'],
  remedy:
    'Give {relation} USING and WITH CHECK clauses that compare tenant_id with the context for every ' +
    'command, WITH CASCADED CHECK OPTION on its views, and tenant_id in every key and foreign key',
  cells: (world) =>
    world.objects
      .filter(({ shared, kind }) => !shared && kind !== 'materialized view')
      .flatMap((object) =>
        writeForms
          .filter((form) => takes(world, object, form))
          .map((form): Cell => ({
            object,
            name: object.name,
            path: form.id,
            privilege: form.privilege,
          })),
      ),
  inputs: (world, { object }) => anyPairOfOwners(world, object),
  examples: (world, cell) => turnedFor(cell, everyOwner(world, cell.object)).slice(0, 3),
  attempt: (world, cell, pair) => {
    const statements = writing({ world, cell }, pair)
    return statements === null
      ? Promise.resolve(vacuousAttempt)
      : writeAttempt(world, world.tenant(pair.attacker), [deferred, ...statements])
  },
  judge: (attempt, { attacker }, { world, cell }) => {
    const tenantColumn = objectOf(cell).relationOf(world.tenant(attacker))?.tenantColumn ?? null
    const accusation = {
      world,
      attacker,
      object: cell.name,
      command: cell.path,
      tenantColumn,
      verb: 'reads',
    }
    return (
      changedForeignRows(attempt, accusation) ??
      readsAfterwards(attempt, accusation) ??
      (brings(cell) ? null : foreignContent(attempt, accusation))
    )
  },
  control: (world, cell, tenant) => {
    const object = objectOf(cell)
    if (!firstOwners(world, object).includes(tenant.id)) return null
    if (!may(object, tenant, cell.privilege ?? 'INSERT')) return null
    const path = writeForms.find(({ id }) => id === cell.path)?.controlledBy ?? cell.path
    const own = writing(
      { world, cell: { ...cell, path } },
      { attacker: tenant.id, victim: tenant.id },
    )
    return own === null
      ? null
      : world
          .attempt([
            ...world.enter(tenant),
            deferred,
            ...own.map((statement): Statement => ({ ...statement, role: 'control' })),
          ])
          .then(withoutZeros)
  },
})

/** Materialized views take nothing, only some views take writes, and of some no row is known. */
function takes(world: World, object: WorldObject, { kinds, since, privilege }: WriteForm): boolean {
  if (world.catalog.serverVersionNum < (since ?? 0) || kinds?.includes(object.kind) === false)
    return false
  return world.tenants.some(
    (tenant) =>
      object.relationOf(tenant)?.updatable.includes(privilege) === true &&
      (object.kind !== 'view' ||
        writeRequest(world, object, { attacker: tenant, victim: tenant }) !== null),
  )
}

/** The statement itself contains the foreign values: seeing them again proves nothing. */
function brings({ path }: Cell): boolean {
  return /INSERT|CONFLICT|upsert|COPY/.test(path)
}

function writing({ world, cell }: Scene, pair: Pair): readonly Statement[] | null {
  const form = writeForms.find(({ id }) => id === cell.path)
  const request = writeRequest(world, objectOf(cell), {
    attacker: world.tenant(pair.attacker),
    victim: world.tenant(pair.victim),
  })
  const statements = form === undefined || request === null ? null : form.build(request)
  // A view may answer with its CHECK OPTION (44000): any answer will do that changes nothing.
  return cell.object?.kind !== 'view'
    ? statements
    : (statements?.map((statement): Statement => ({ ...statement, role: 'comparison' })) ?? null)
}

/** A count of zero rows written is a row, and no success. */
function withoutZeros(attempt: Attempt): Attempt {
  return {
    ...attempt,
    steps: attempt.steps.map((step) =>
      rowsOf(step)[0]?.['n'] !== '0' || step.observation.kind !== 'rows'
        ? step
        : { ...step, observation: { ...step.observation, rows: [], affected: 0 } },
    ),
  }
}
