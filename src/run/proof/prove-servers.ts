/**
 * The proof on several servers, one after the other: their own defects must be caught where they are and
 * nowhere else, and the detector must see planted ones on each.
 */

import { messageOf, WatertightError } from '../../errors.ts'
import type { ControlScore, DefectScore, MutantScore, ServerScore } from '../../model/report.ts'
import { prepareBinaries } from '../../postgres/server/server.ts'
import { missText } from '../../report/defect-table.ts'
import { planSeed } from '../../reference/seed/plan.ts'
import { chooseTrials, type Trials } from './choose-trials.ts'
import { cloneNames } from './clone-lane.ts'
import { cutShortOf, deathOf } from '../cut-short.ts'
import type { ExecuteOptions, RunContext } from '../running.ts'
import { conclude, type Executed } from '../conclude.ts'
import { emptyMaterial, type Material } from '../store/material.ts'
import { databaseName, worldsOf } from '../../reference/site/namespace.ts'
import { openSite, type OpenSite } from '../../reference/site/open-site.ts'
import { openPoolers } from '../poolers.ts'
import { proveStage } from './prove-stage.ts'
import { inRunDirectory } from '../before-start.ts'
import type { RunDirectory } from '../store/run-directory.ts'
import { seedStage } from '../seed-stage.ts'
import { serverStage, serverWorld } from './server-stage.ts'
import { loadProbes } from '../../probe/load-probes.ts'

/** Rows of an average tenant at most: the defects of a server do not hide behind many rows. */
const rowsMax = 150

/**
 * One report for all versions of `settings.server`.
 * @throws WatertightError before anything is tried when a version cannot be had, and as `execute` does.
 */
export async function proveServers(given: ExecuteOptions): Promise<Executed> {
  const options = {
    ...given,
    settings: { ...given.settings, rows: Math.min(given.settings.rows, rowsMax) },
  }
  return await inRunDirectory(options, () => prepared(options), onServers(options))
}

async function prepared(options: ExecuteOptions): Promise<Trials> {
  const { settings } = options
  if (settings.target !== null) throw badCombination()
  const chosen = await chooseTrials({ command: settings.sample === 0 ? 'run' : 'prove', settings })
  const trials: Trials = {
    ...chosen,
    mutants: [...chosen.mutants, ...ownOf(chosen, settings)],
    own: [],
  }
  await prepareBinaries(settings.server, (what, done) => {
    options.onProgress?.({
      stage: 'server',
      what,
      done,
      total: settings.server.length,
      cases: 0,
      leaks: 0,
    })
  })
  return trials
}

function onServers(options: ExecuteOptions) {
  const { settings, command } = options
  return async (directory: RunDirectory, trials: Trials, startedAt: Date): Promise<Executed> => {
    const all = emptyMaterial({ startedAt, command, probes: await loadProbes() })
    all.untested.push({
      what: 'the rest of the mutants and controls',
      why: trials.leftOut ?? 'each server is tried with one mutant of every probe and two controls',
    })
    for (const [index, version] of settings.server.entries()) {
      const isLast = index === settings.server.length - 1
      const executed = await onServer({ ...options, version, isLast, directory, all, trials })
      if (executed !== null) return executed
    }
    throw new WatertightError('WATERTIGHT_BAD_SETTING', '--server names no version', {
      hint: 'For example 15.1,16.4',
    })
  }
}

/** A folder of the user's own stands alone. */
function ownOf({ own }: Trials, { mutants, mode }: ExecuteOptions['settings']): Trials['own'] {
  return mutants === null ? own.filter(({ tenancy }) => mode.includes(tenancy)) : []
}

interface Turn extends ExecuteOptions {
  readonly version: string
  readonly isLast: boolean
  readonly directory: RunDirectory
  /** Of all servers together. */
  readonly all: Material
  readonly trials: Trials
}

/** Null while there is a next server to try; the report is made while the last one is still up. */
async function onServer(turn: Turn): Promise<Executed | null> {
  const { settings, all, directory, trials } = turn
  const startedMs = performance.now()
  const plan = planSeed({ seed: settings.seed, tenants: settings.tenants, rows: settings.rows })
  await using open = await openSite({ target: null, version: turn.version, plan, keep: false })
  await using poolers = await openPoolers(open.site, {
    path: settings.pgbouncer,
    through: open.maintenanceDatabase,
    databases: [
      databaseName(open.site.namespace, serverWorld),
      ...worldsOf(settings.mode, []).flatMap((id) => cloneNames(open.site, id)),
    ],
  })
  const material = emptyMaterial({
    startedAt: all.startedAt,
    command: all.command,
    probes: all.probes,
  })
  const context: RunContext = {
    ...turn,
    ...trials,
    directory,
    open,
    poolers,
    worlds: [serverWorld],
    material,
    lastDurations: null,
  }
  const summary = await tryServer(context, all)
  addTo(all, material, open)
  const stage = {
    stage: `server ${open.serverVersion}`,
    durationMs: Math.round(performance.now() - startedMs),
  }
  all.stages.push(stage)
  turn.onStage?.('server', stage.durationMs, `${open.serverVersion}: ${summary}`)
  all.cutShortBy ??= turn.interruptedBy() ?? deathOf(open)
  return turn.isLast || all.cutShortBy !== null
    ? await conclude({ ...context, material: all })
    : null
}

async function tryServer(context: RunContext, all: Material): Promise<string> {
  const { open } = context
  try {
    await seedStage(context)
    const { score, verdicts } = await serverStage(context)
    const executing = verdicts.find(({ basis }) => basis === 'executed')
    all.servers.push(score)
    all.verdicts.push(...verdicts)
    all.mutants = merged(all.mutants, mutantsOf(score, executing?.probe ?? ''))
    all.controls = mergedControls(all.controls, controlsOf(score))
    return `${defectSummary(score)}, ${await proveStage(context)}`
  } catch (error) {
    // A backend that crashes takes every connection with it; the log of the server says which statement did it.
    const crash = open.server
      .logTail()
      .filter((line) => /terminated by signal|Failed process was running/.test(line))
    const cut = cutShortOf(error, open.serverVersion)
    all.cutShortBy ??=
      deathOf(open) ??
      (crash.length === 0
        ? cut
        : { by: 'server', text: [cut.text, ...crash.slice(0, 2)].join('; ') })
    all.failure ??= new WatertightError('WATERTIGHT_SERVER_FAILED', all.cutShortBy.text, {
      hint: 'Try this version alone; the others of the list can be proven without it',
      cause: error,
    })
    return messageOf(error)
  }
}

function defectSummary({ defects }: ServerScore): string {
  const executed = defects.filter(({ seen }) => seen !== 'not tried')
  const affected = executed.filter((each) => each.affected)
  const count = (list: readonly DefectScore[], seen: DefectScore['seen']) =>
    list.filter((each) => each.seen === seen).length
  const rest = executed.filter((each) => !each.affected)
  return (
    `${count(affected, 'caught')} of ${affected.length} defects caught, ` +
    `${count(rest, 'absent')} of ${rest.length} absent`
  )
}

/** A defect that is there is a mutant that nobody planted. */
function mutantsOf({ version, defects, durationMs }: ServerScore, probe: string): MutantScore {
  const there = defects.filter(({ affected, seen }) => affected && seen !== 'not tried')
  const named = (each: DefectScore) => ({
    id: idOf(each, version),
    title: `PostgreSQL ${version}: ${each.title}`,
  })
  const missed = there.flatMap((each) => {
    const reason = missText(each, version)
    return reason === null ? [] : [{ ...named(each), class: null, reason }]
  })
  const killed = there.filter((each) => missText(each, version) === null)
  return {
    total: there.length,
    killed: killed.length,
    survived: missed,
    kills: killed.map((each) => ({
      ...named(each),
      class: null,
      probe,
      basis: 'executed' as const,
      cases: 1,
      ms: Math.round(durationMs / Math.max(1, defects.length)),
    })),
  }
}

/** A defect that is repaired, or never was there, is a control: nothing may be seen of it. */
function controlsOf({ version, defects }: ServerScore): ControlScore {
  const without = defects.filter(
    (each) => !each.affected && (each.seen !== 'not tried' || each.named),
  )
  const noisy = without.flatMap((each) => {
    const reason = missText(each, version)
    return reason === null ? [] : [{ id: idOf(each, version), title: each.title, reason }]
  })
  return { total: without.length, silent: without.length - noisy.length, noisy }
}

function idOf({ id, path }: DefectScore, version: string): string {
  return `engine-defects--${id}${path === null ? '' : ` (${path})`} on ${version}`
}

function addTo(all: Material, material: Material, { serverVersion }: OpenSite): void {
  const on = <T extends { readonly id: string }>(list: readonly T[]) =>
    list.map((each) => ({ ...each, id: `${each.id} on ${serverVersion}` }))
  const { mutants, controls } = material
  all.mutants = merged(all.mutants, {
    ...mutants,
    survived: on(mutants.survived),
    kills: on(mutants.kills),
  })
  all.controls = mergedControls(all.controls, { ...controls, noisy: on(controls.noisy) })
  all.untested.push(
    ...material.untested.map(({ what, why }) => ({ what: `${what} on ${serverVersion}`, why })),
  )
  all.databases.push(...material.databases)
  all.cutShortBy ??= material.cutShortBy
}

/** Classes are left out: they would count the same class once for each server. */
function merged(a: MutantScore, b: MutantScore): MutantScore {
  return {
    total: a.total + b.total,
    killed: a.killed + b.killed,
    survived: [...a.survived, ...b.survived],
    kills: [...a.kills, ...b.kills],
  }
}

function mergedControls(a: ControlScore, b: ControlScore): ControlScore {
  return { total: a.total + b.total, silent: a.silent + b.silent, noisy: [...a.noisy, ...b.noisy] }
}

function badCombination(): WatertightError {
  return new WatertightError('WATERTIGHT_BAD_SETTING', '--server and --target were both given', {
    hint: 'A named server has its version; --server starts embedded ones',
  })
}
