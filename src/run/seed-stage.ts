/** The seed stage: every database of the run, and untouched templates for the proof. */

import type { WorldId } from '../model/tenancy.ts'
import { services } from '../model/tenancy.ts'
import type { RunContext } from './running.ts'
import { isServed } from '../reference/service/routes.ts'
import {
  databaseName,
  operationsDatabaseNames,
  serviceDatabaseName,
} from '../reference/site/namespace.ts'
import { worldsOf } from '../reference/site/namespace.ts'
import { cloneDatabase, createWorldDatabase } from '../reference/site/provision.ts'
import { templateName } from './proof/clone-lane.ts'

export async function seedStage(context: RunContext): Promise<string> {
  const { open, signal } = context
  const templates = templateWorlds(context)
  const needed = [
    ...context.worlds,
    ...templates.filter((id) => !context.worlds.some((world) => same(world, id))),
  ]
  let rows = 0
  for (const [index, id] of needed.entries()) {
    if (signal.aborted) break
    const database = databaseName(open.site.namespace, id)
    context.onProgress?.({
      stage: 'seed',
      what: database,
      done: index,
      total: needed.length,
      cases: 0,
      leaks: 0,
    })
    open.databases.add(database)
    rows += await createWorldDatabase(open.site, open.admin, id)
    const copies = [
      ...(templates.some((each) => same(each, id)) ? [templateName(open.site, id)] : []),
      ...(isAttackedByHttp(context, id) ? [serviceDatabaseName(open.site.namespace, id)] : []),
      ...(isOperatedOn(context, id)
        ? [operationsDatabaseNames(open.site.namespace, id)[id.service]]
        : []),
    ]
    for (const to of copies) {
      open.databases.add(to)
      await cloneDatabase(open.admin, open.site, { from: database, to })
    }
  }
  context.material.databases.push(...needed.map((id) => databaseName(open.site.namespace, id)))
  return `${needed.length} databases, ${rows.toLocaleString('en-US')} rows`
}

/** What is attacked commits: it gets a copy before anybody is connected to the original. */
function isAttackedByHttp({ worlds, material }: RunContext, id: WorldId): boolean {
  return (
    isServed({ id }) &&
    worlds.some((each) => same(each, id)) &&
    material.probes.some(({ probe }) => probe.needs.includes('http'))
  )
}

/** Operations commit too, and in both databases at once. */
function isOperatedOn({ worlds, material }: RunContext, id: WorldId): boolean {
  return (
    id.variant === 'hardened' &&
    worlds.some((each) => isServed({ id: each }) && each.tenancy === id.tenancy) &&
    material.probes.some(({ probe }) => probe.needs.includes('operations'))
  )
}

/** Worlds that mutants and controls are cloned from. */
function templateWorlds({
  mutants,
  own,
  controls,
  settings,
  command,
}: RunContext): readonly WorldId[] {
  const edited =
    settings.generated > 0 && (command === 'prove' || command === 'run')
      ? worldsOf(settings.mode, [])
      : []
  const tried = [...mutants, ...own, ...controls]
  return services.flatMap((service) =>
    (['row-level-security', 'schema-per-tenant'] as const)
      .filter((tenancy) =>
        [
          ...edited,
          ...tried.flatMap((each) => (each.operations === null ? [each] : [{ ...each, service }])),
        ].some((each) => each.tenancy === tenancy && each.service === service),
      )
      .map((tenancy): WorldId => ({ service, tenancy, variant: 'hardened' })),
  )
}

function same(a: WorldId, b: WorldId): boolean {
  return a.service === b.service && a.tenancy === b.tenancy && a.variant === b.variant
}
