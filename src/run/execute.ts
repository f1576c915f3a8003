/**
 * The whole corridor on one server: seed, verify, prove, bench, report, gate. What was observed is on
 * disk before anything is concluded from it, and a run that is cut short still says what it saw.
 */

import { WatertightError } from '../errors.ts'
import { planSeed } from '../reference/seed/plan.ts'
import { chooseTrials } from './proof/choose-trials.ts'
import { cloneNames } from './proof/clone-lane.ts'
import { asWrittenServices, type ExecuteOptions } from './running.ts'
import { emptyMaterial } from './store/material.ts'
import { databaseName, worldsOf } from '../reference/site/namespace.ts'
import { openSite } from '../reference/site/open-site.ts'
import { openPoolers } from './poolers.ts'
import { conclude, type Executed } from './conclude.ts'
import { runStages } from './run-stages.ts'
import { RunDirectory } from './store/run-directory.ts'
import { loadProbes } from '../probe/load-probes.ts'

/** @throws WatertightError when nothing could be judged: target, rights, settings, report directory. */
export async function execute(options: ExecuteOptions): Promise<Executed> {
  const startedAt = new Date()
  const { settings, command } = options
  const version = embeddedVersion(options)
  const plan = planSeed({ seed: settings.seed, tenants: settings.tenants, rows: settings.rows })
  const probes = await loadProbes(settings.grep)
  const { leftOut, ...trials } = await chooseTrials(options)
  const directory = new RunDirectory(settings.output, startedAt)
  directory.writeJson('run.json', {
    command,
    startedAt: startedAt.toISOString(),
    settings: options.entries,
  })
  const serverStartedMs = performance.now()
  const open = await openSite({ target: settings.target, version, plan, keep: settings.keep })
  const material = emptyMaterial({ startedAt, command, probes })
  if (leftOut !== null)
    material.untested.push({ what: 'the rest of the mutants and controls', why: leftOut })
  material.stages.push({
    stage: 'server',
    durationMs: Math.round(performance.now() - serverStartedMs),
  })
  try {
    const worlds =
      command === 'prove' || command === 'bench'
        ? []
        : worldsOf(settings.mode, asWrittenServices(options))
    const provable = worldsOf(settings.mode, [])
    await using poolers = await openPoolers(open.site, {
      path: settings.pgbouncer,
      through: open.maintenanceDatabase,
      databases: [
        ...worlds.map((id) => databaseName(open.site.namespace, id)),
        ...provable.flatMap((id) => cloneNames(open.site, id)),
      ],
    })
    await runStages({ ...options, directory, open, poolers, worlds, ...trials, material })
    return await conclude({ ...options, directory, open, poolers, worlds, ...trials, material })
  } finally {
    await open[Symbol.asyncDispose]()
  }
}

/** Null for the installed version. Only the proof makes one report of several servers. */
function embeddedVersion({ settings: { server, target } }: ExecuteOptions): string | null {
  if (server.length === 0) return null
  const fault =
    target !== null
      ? '--server and --target were both given'
      : server.length > 1
        ? `--server names ${server.length} versions`
        : null
  if (fault === null) return server[0] ?? null
  throw new WatertightError('WATERTIGHT_BAD_SETTING', fault, {
    hint: 'Name one version of the embedded server; `watertight prove` alone takes several',
  })
}
