/** Replays one finding: its world alone is seeded, its probe alone is asked, its path alone is tried. */

import type { Way } from '../model/way.ts'
import { wayOf } from '../probe/way.ts'
import { WatertightError } from '../errors.ts'
import type { Finding } from '../model/finding.ts'
import type { Step } from '../model/observation.ts'
import type { Report } from '../model/report.ts'
import { services } from '../model/tenancy.ts'
import type { Outcome } from '../model/verdict.ts'
import { planSeed } from '../reference/seed/plan.ts'
import { findCell } from './verify/find-cell.ts'
import { databaseName, operationsDatabaseNames } from '../reference/site/namespace.ts'
import { channels } from '../model/channel.ts'
import { openPoolers, toolsOf } from './poolers.ts'
import { openSite } from '../reference/site/open-site.ts'
import { cloneDatabase, createWorldDatabase } from '../reference/site/provision.ts'
import { searchLimits } from '../probe/search-limits.ts'
import { loadProbes } from '../probe/load-probes.ts'
import { openWorld } from '../reference/site/worlds.ts'

export interface Replayed {
  readonly finding: string
  readonly outcome: Outcome
  readonly sentence: string
  readonly steps: readonly Step[]
}

/** @throws WatertightError when the server or the probe is not there any more. */
export async function replay(
  report: Report,
  finding: Finding,
  target: string | null,
): Promise<Replayed> {
  const value = (name: string) => report.settings[name]?.value
  const loaded = (await loadProbes()).find(({ id }) => id === finding.probe)
  if (loaded === undefined) throw noProbeError(finding)
  const plan = planSeed({
    seed: report.run.seed,
    tenants: Number(value('tenants')),
    rows: Number(value('rows')),
  })
  await using open = await openSite({
    target,
    version: versionOf(report, finding, wayOf(loaded.probe)),
    plan,
    keep: false,
  })
  const database = databaseName(open.site.namespace, finding.world)
  const way = wayOf(loaded.probe)
  const operates = way === 'operations'
  const databases = operationsDatabaseNames(open.site.namespace, finding.world)
  for (const service of operates ? services : [finding.world.service]) {
    const id = { ...finding.world, service }
    open.databases.add(databaseName(open.site.namespace, id))
    await createWorldDatabase(open.site, open.admin, id)
    if (!operates) continue
    open.databases.add(databases[service])
    const names = { from: databaseName(open.site.namespace, id), to: databases[service] }
    await cloneDatabase(open.admin, open.site, names)
  }
  await using poolers = await openPoolers(open.site, {
    path: null,
    databases: [database],
    through: open.maintenanceDatabase,
  })
  await using world = await openWorld(open.site, {
    id: finding.world,
    statementTimeoutMs: Number(value('statementTimeoutMs')),
    // Nobody else uses the database, so the service may commit in it.
    ...(way === 'service' ? { service: { database } } : {}),
    ...(operates ? { operations: { databases } } : {}),
  })
  const { replay: token } = finding.counterexample
  const settings = {
    seed: token.seed,
    runs: Number(value('runs')),
    ...searchLimits({ quick: value('quick') === true }),
    claims: new Set(channels),
    timing: true,
    tools: toolsOf(poolers),
    replay: { path: token.path, replayPath: token.replayPath },
  }
  const object = finding.object.replace(onServer, '')
  const cell = findCell(loaded.probe.cells(world, settings), { ...finding, object, way })
  if (cell === null) throw goneError(finding)
  const { outcome, reason, counterexample } = await loaded.probe.search(world, cell, settings)
  return {
    finding: finding.id,
    steps: counterexample?.steps ?? [],
    outcome,
    sentence: counterexample?.witness.sentence ?? `Not reproduced: ${reason}`,
  }
}

function noProbeError({ probe }: Finding): WatertightError {
  return new WatertightError('WATERTIGHT_NO_PROBE', `There is no probe ${probe} any more`, {
    hint: 'Use the version that made the report',
  })
}

function goneError({ object }: Finding): WatertightError {
  return new WatertightError('WATERTIGHT_NO_CELL', `The object ${object} is not there any more`, {
    hint: 'Verify again instead',
  })
}

/** A proof on several servers says on which one a finding was made. */
const onServer = / on \d+\.\d+$/

function versionOf({ settings }: Report, { object }: Finding, way: Way): string | null {
  const named = way === 'server' ? onServer.exec(object)?.[0].replace(' on ', '') : undefined
  const given = settings['server']?.value
  return named ?? (Array.isArray(given) && given.length > 0 ? String(given[0]) : null)
}
