/** The verify stage of a run: progress, observations on disk, verdicts in the record. */

import { toolsOf } from '../poolers.ts'
import { pgbouncerLack } from '../../requests/tools.ts'
import { findingsOf } from '../../judge/findings.ts'
import { worldKey, type WorldId } from '../../model/tenancy.ts'
import type { Verdict } from '../../model/verdict.ts'
import { probeCost } from '../expected-costs.ts'
import type { RunContext } from '../running.ts'
import { ObservationLog } from '../store/observation-log.ts'
import { extendCorpus, readCorpus } from './corpus.ts'
import { searchLimits } from '../../probe/search-limits.ts'
import { probesFor, type Budget } from './verify.ts'
import { verifyInThreads } from './verify-threads.ts'

export async function verifyStage(context: RunContext): Promise<string> {
  const { settings, material, directory, poolers, worlds } = context
  const tools = toolsOf(poolers)
  const { probes } = material
  const cost = costIn(context)
  const total = sumOver(worlds, (world) =>
    sumOver(probesFor(world, probes), ({ id }) => cost(world, id)),
  )
  let cases = 0
  material.expected.push(
    ...worlds.flatMap((world) => probesFor(world, probes).map(({ id }) => ({ probe: id, world }))),
  )
  const budget =
    context.command !== 'verify' || settings.timeMs === null
      ? null
      : budgetFrom(material.startedAt, settings.timeMs)
  let further = 0
  const log = new ObservationLog(directory)
  const report = (what: string) =>
    context.onProgress?.({
      stage: 'verify',
      what,
      done: sumOver(material.verdicts, ({ world, probe }) => cost(world, probe)),
      total,
      leaks: sumOver(material.verdicts, leaksIn),
      cases:
        further + material.verdicts.reduce((sum, { evidence }) => sum + evidence.casesTried, 0),
    })
  const { verdicts, timeline, summary } = await verifyInThreads(context, {
    worlds,
    probes,
    statementTimeoutMs: settings.statementTimeoutMs,
    budget,
    corpus: readCorpus(settings.output),
    onRound: (count) => {
      further += count
      report('searching on')
    },
    search: {
      seed: settings.seed,
      runs: settings.runs,
      claims: new Set(settings.claims),
      timing: settings.timing,
      ...searchLimits(settings),
      tools,
      lacks: pgbouncerLack({ tools }, settings.pgbouncer !== null),
      signal: context.signal,
      onCase: () => {
        cases += 1
      },
      onCell: log.onCell,
      onObserved: log.onObserved,
    },
    onWorld: log.onWorld,
    onVerdict: (verdict) => {
      material.verdicts.push(verdict)
      report(`${verdict.probe} in ${worldKey(verdict.world)}`)
    },
  })
  material.verdicts.splice(0, material.verdicts.length, ...verdicts)
  material.timeline.push(...timeline)
  material.search = summary
  extendCorpus(settings.output, findingsOf(verdicts), material.startedAt)
  directory.writeJson('verdicts.json', material.verdicts)
  return `${material.verdicts.length} verdicts, ${Math.max(
    cases,
    material.verdicts.reduce((sum, { evidence }) => sum + evidence.casesTried, 0),
  ).toLocaleString('en-US')} cases`
}

function costIn({ material, lastDurations }: RunContext): (world: WorldId, id: string) => number {
  return (world, id) => {
    const loaded = material.probes.find((each) => each.id === id)
    return loaded === undefined ? 0 : probeCost(loaded, world, lastDurations)
  }
}

function sumOver<T>(list: readonly T[], of: (each: T) => number): number {
  return list.reduce((sum, each) => sum + of(each), 0)
}

/** What leaks as the seed document writes it is compared, not judged. */
function leaksIn({ world, cells }: Verdict): number {
  return world.variant === 'as-written'
    ? 0
    : cells.filter(({ outcome }) => outcome === 'violated').length
}

/** The time counts from the start of the command: the server and the seed are paid from it. */
function budgetFrom(startedAt: Date, timeMs: number): Budget {
  const leftMs = Math.max(0, startedAt.getTime() + timeMs - Date.now())
  return { timeMs, signal: AbortSignal.timeout(leftMs) }
}
