/**
 * The whole corridor on one server: seed, verify, prove, bench, report, gate. What was observed is on
 * disk before anything is concluded from it, and a run that is cut short still says what it saw.
 */

import { WatertightError } from '../errors.ts'
import { tenancies } from '../model/tenancy.ts'
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
import type { RunDirectory } from './store/run-directory.ts'
import { inRunDirectory } from './before-start.ts'
import { lastDurations } from './expected-costs.ts'
import { chosenProbes, loadProbes } from '../probe/load-probes.ts'

/** @throws WatertightError when nothing could be judged: target, rights, settings, report directory. */
export async function execute(options: ExecuteOptions): Promise<Executed> {
  return await inRunDirectory(options, () => prepared(options), executeIn(options))
}

async function prepared(options: ExecuteOptions) {
  return {
    version: embeddedVersion(options),
    ...(await askedProbes(options)),
    trials: await chooseTrials(options),
  }
}

async function askedProbes({ settings: { grep } }: ExecuteOptions) {
  const all = await loadProbes()
  const probes = chosenProbes(all, grep)
  const isPart = grep !== null && probes.length < all.length
  return { probes, filter: isPart ? { probes: probes.length, of: all.length, grep } : null }
}

function executeIn(options: ExecuteOptions) {
  const { settings, command } = options
  return async (
    directory: RunDirectory,
    {
      version,
      probes,
      filter,
      trials: { leftOut, ...trials },
    }: Awaited<ReturnType<typeof prepared>>,
    startedAt: Date,
  ): Promise<Executed> => {
    const plan = planSeed({ seed: settings.seed, tenants: settings.tenants, rows: settings.rows })
    const serverStartedMs = performance.now()
    await using open = await openSite({
      target: settings.target,
      version,
      plan,
      keep: settings.keep,
      workers: settings.workers,
    })
    const { buried } = open
    if (buried.length > 0) {
      const what = `dropped what killed runs had left: ${buried.join(', ')}`
      options.onStage?.('server', performance.now() - serverStartedMs, what)
    }
    const material = emptyMaterial({ startedAt, command, probes, filter })
    if (leftOut !== null)
      material.untested.push({ what: 'the rest of the mutants and controls', why: leftOut })
    material.stages.push({
      stage: 'server',
      durationMs: Math.round(performance.now() - serverStartedMs),
    })
    const worlds =
      command === 'prove' || command === 'bench'
        ? []
        : worldsOf(settings.mode, asWrittenServices(options))
    // A run may prove a probe in the tenancy that it does not judge.
    const provable = worldsOf(command === 'run' ? tenancies : settings.mode, [])
    await using poolers = await openPoolers(open.site, {
      path: settings.pgbouncer,
      through: open.maintenanceDatabase,
      databases: [
        ...worlds.map((id) => databaseName(open.site.namespace, id)),
        ...provable.flatMap((id) => cloneNames(open.site, id)),
      ],
    })
    const lived = { directory, open, poolers, worlds, ...trials, material }
    const context = { ...options, ...lived, lastDurations: lastDurations(options) }
    await runStages(context)
    return await conclude(context)
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
