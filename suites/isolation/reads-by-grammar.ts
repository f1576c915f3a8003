// Every production of SELECT over every object: composed from the catalog, nested and planned at random.

import {
  anyReading,
  countsTooMany,
  defineProbe,
  firstOwners,
  firstReadings,
  foreignContent,
  hasValue,
  inherent,
  may,
  nested,
  objectOf,
  plannerSettings,
  readForms,
  readRequest,
  readsWholeRows,
  rowsOf,
  rowsOfForeignRelation,
  vacuousAttempt,
  versionText,
  type Attempt,
  type Cell,
  type GrammarInput,
  type ReadForm,
  type Scene,
  type Statement,
  type Tenant,
  type Witness,
  type World,
  type WorldObject,
} from '../../src/index.ts'

export default defineProbe<GrammarInput>({
  claim: 'No form of SELECT reaches a foreign row, its value, its number or its existence',
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'critical',
  judgedWorldsOnly: true,
  needs: ['rows'],
  remedy:
    'Enable and FORCE row level security on {relation}, with a SELECT policy that compares tenant_id ' +
    'with the context; give views security_invoker and security_barrier',
  cells: (world) =>
    world.objects
      .filter((object) => !object.shared)
      .flatMap((object) =>
        readForms
          .filter((form) => applies(world, object, form))
          .map((form): Cell => ({
            object,
            name: object.name,
            path: form.id,
            privilege: form.privilege ?? 'SELECT',
          })),
      ),
  inputs: (world, { object }) => anyReading(world, object),
  examples: firstReadings,
  attempt: (world, cell, input) => {
    const statements = reading(world, cell, input)
    return statements === null
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([...world.enter(world.tenant(input.attacker)), ...statements])
  },
  judge: (attempt, input, scene) =>
    inherent(formOf(scene.cell).channel, judged(attempt, input, scene)),
  control: (world, cell, tenant) => controlOf({ world, cell }, tenant),
  spares: ({ catalog }, cell) =>
    formOf(cell).crashes !== catalog.serverVersionNum
      ? null
      : `not tried: PostgreSQL ${versionText(catalog.serverVersionNum)} crashes on ${cell.path}`,
})

function applies(world: World, object: WorldObject, form: ReadForm): boolean {
  const { kinds, separatedBy = world.separatedBy, byKey, wholeRow } = form
  if (kinds?.includes(object.kind) === false || separatedBy !== world.separatedBy) return false
  if (byKey === true && object.rowsTotal === null) return false
  return (
    wholeRow !== true ||
    world.tenants.every((tenant) => {
      const relation = object.relationOf(tenant)
      return relation === null || !may(object, tenant, 'SELECT') || readsWholeRows({ relation })
    })
  )
}

function judged(
  attempt: Attempt,
  { attacker, victim }: GrammarInput,
  { world, cell }: Scene,
): Witness | null {
  const object = objectOf(cell)
  const suspicion = {
    ...suspect(world, object, attacker),
    command: cell.path,
    own: object.rowsOf(attacker),
  }
  const shows = formOf(cell).shows ?? 'content'
  if (shows === 'count') return countsTooMany(attempt, suspicion)
  if (shows === 'content') {
    return (
      foreignContent(attempt, suspicion) ??
      rowsOfForeignRelation(attempt, suspicion, world.tenant(victim))
    )
  }
  if (shows === 'marks') return foreignContent(attempt, suspicion)
  return rowsOf(attempt.steps.at(-1) ?? null).length === 0
    ? foreignContent(attempt, suspicion)
    : {
        sentence: `Tenant ${attacker} learns that a row of ${victim} exists in ${cell.name}`,
        rows: [],
        victim,
        command: cell.path,
        severity: 'medium',
      }
}

function formOf(cell: Cell): ReadForm {
  const form = readForms.find(({ id }) => id === cell.path)
  if (form === undefined) throw new Error(`no form is called ${cell.path}`)
  return form
}

function suspect(world: World, object: WorldObject, attacker: string) {
  const tenantColumn = object.relationOf(world.tenant(attacker))?.tenantColumn ?? null
  return { world, attacker, object: object.name, verb: 'reads', tenantColumn }
}

/** Planner settings, the statements before the last, and the last, which is wrapped where that is possible. */
function reading(
  world: World,
  cell: Cell,
  { attacker, victim, predicate, planner, nesting }: GrammarInput,
): readonly Statement[] | null {
  const [form, object] = [formOf(cell), objectOf(cell)]
  const parts = { attacker: world.tenant(attacker), victim: world.tenant(victim), predicate }
  const request = readRequest(world, object, parts)
  const sqls = request === null ? null : form.build(request)
  if (sqls === null) return null
  const context = [
    ...plannerSettings(planner, world.catalog.serverVersionNum),
    ...sqls.slice(0, -1),
  ]
  const last = sqls.at(-1) ?? ''
  return [
    ...context.map((sql): Statement => ({ sql, role: 'context' })),
    { sql: form.nests === true ? nested(last, nesting) : last, role: 'attack' },
  ]
}

/** The same form on own rows: only rows that carry the tenant's own mark count as seen. */
function controlOf({ world, cell }: Scene, tenant: Tenant): Promise<Attempt> | null {
  const object = objectOf(cell)
  if (!firstOwners(world, object).includes(tenant.id)) return null
  if (!may(object, tenant, 'SELECT') || !may(object, tenant, cell.privilege ?? 'SELECT'))
    return null
  const own: GrammarInput = {
    attacker: tenant.id,
    victim: tenant.id,
    predicate: 'none',
    planner: 'as is',
    nesting: [],
  }
  const path = formOf(cell).controlledBy ?? cell.path
  const statements = reading(world, { ...cell, path }, own)
  if (statements === null) return null
  return world
    .attempt([
      ...world.enter(tenant),
      ...statements.map((statement): Statement =>
        statement.role === 'attack' ? { ...statement, role: 'control' } : statement,
      ),
    ])
    .then((attempt) => ownOnly(attempt, { world, cell: { ...cell, path } }, tenant))
}

function ownOnly(attempt: Attempt, { world, cell }: Scene, tenant: Tenant): Attempt {
  const shows = formOf(cell).shows ?? 'content'
  const { tenantColumn } = suspect(world, objectOf(cell), tenant.id)
  const relation = objectOf(cell).relationOf(tenant)
  const located = relation !== null && world.ownership.ownerByPlace(relation) === tenant.id
  return {
    ...attempt,
    steps: attempt.steps.map((step) => {
      const { observation } = step
      if (step.role !== 'control' || observation.kind !== 'rows') return step
      const rows = observation.rows.filter(
        (row) =>
          shows === 'existence' ||
          (shows === 'count'
            ? Number(row['n']) > 0
            : located || (tenantColumn === null && objectOf(cell).rowsTotal === null)
              ? hasValue(row)
              : world.ownership.ownersIn(row, { tenantColumn }).has(tenant.id) ||
                Object.values(row).join(' ').includes(tenant.id)),
      )
      return { ...step, observation: { ...observation, rows, affected: null } }
    }),
  }
}
