/**
 * The whole corridor on one server: seed, verify, prove, bench, report, gate. What was observed is on
 * disk before anything is concluded from it, and a run that is cut short still says what it saw.
 */

import { messageOf, WatertightError } from '../errors.ts'
import type { Report } from '../model/report.ts'
import { planSeed } from '../reference/seed/plan.ts'
import { benchStage } from './bench-stage.ts'
import { buildReport } from './store/build-report.ts'
import { chooseTrials } from './proof/choose-trials.ts'
import { cloneNames } from './proof/clone-lane.ts'
import { asWrittenServices, type Command, type ExecuteOptions, type RunContext } from './running.ts'
import { emptyMaterial } from './store/material.ts'
import { databaseName, worldsOf } from '../reference/site/namespace.ts'
import { openSite } from '../reference/site/open-site.ts'
import { nameLoss } from './name-loss.ts'
import { openPoolers } from './poolers.ts'
import type { StageName } from './progress.ts'
import { proveStage } from './proof/prove-stage.ts'
import { RunDirectory } from './store/run-directory.ts'
import { seedStage } from './seed-stage.ts'
import { loadProbes } from '../probe/load-probes.ts'
import { verifyStage } from './verify/verify-stage.ts'
import { writeReports } from './store/write-reports.ts'

export interface Executed {
  readonly report: Report
  readonly directory: RunDirectory
}

const stagesOf: Readonly<Record<Command, readonly StageName[]>> = {
  run: ['seed', 'verify', 'prove', 'bench'],
  verify: ['seed', 'verify'],
  prove: ['seed', 'prove'],
  bench: ['seed', 'bench'],
  seed: ['seed'],
}

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

async function runStages(context: RunContext): Promise<void> {
  const stages = {
    seed: seedStage,
    verify: verifyStage,
    prove: proveStage,
    bench: benchStage,
  } as const
  for (const name of stagesOf[context.command]) {
    if (name === 'server' || name === 'report') continue
    if (context.signal.aborted || context.open.died() !== null) break
    const startedMs = performance.now()
    try {
      const summary = await stages[name](context)
      context.onStage?.(name, performance.now() - startedMs, summary)
    } catch (error) {
      // Half a run is still evidence: it is written down, marked as cut short, and never green.
      const failure = await nameLoss(context, error)
      context.material.cutShortBy ??= context.open.died() ?? `${name}: ${messageOf(failure)}`
      context.material.failure ??= failure
    }
    context.material.stages.push({
      stage: name,
      durationMs: Math.round(performance.now() - startedMs),
    })
    if (context.material.cutShortBy !== null) break
  }
  context.material.cutShortBy =
    context.interruptedBy() ?? context.open.died() ?? context.material.cutShortBy
}

/** Report, files and exit code. @throws what failed when there is nothing to report. */
export async function conclude(context: RunContext): Promise<Executed> {
  const { material, directory } = context
  // Nothing seeded, nothing judged: that is an error of its own, not a report.
  if (
    material.failure !== null &&
    material.verdicts.length === 0 &&
    context.interruptedBy() === null &&
    context.open.died() === null
  )
    throw material.failure
  const startedMs = performance.now()
  const report = await buildReport(context)
  await writeReports(report, { directory, formats: context.settings.reporter })
  context.onStage?.('report', performance.now() - startedMs, directory.path)
  return { report, directory }
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
