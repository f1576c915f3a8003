/** The verify stage of a run: progress, observations on disk, verdicts in the record. */

import { toolsOf } from '../poolers.ts'
import { pgbouncerLack } from '../../requests/tools.ts'
import { findingsOf } from '../../judge/findings.ts'
import { worldKey } from '../../model/tenancy.ts'
import type { RunContext } from '../running.ts'
import { extendCorpus, readCorpus } from './corpus.ts'
import { searchLimits } from '../../probe/search-limits.ts'
import { probesFor, type Budget } from './verify.ts'
import { verifyInThreads } from './verify-threads.ts'

export async function verifyStage(context: RunContext): Promise<string> {
  const { settings, material, directory, poolers, worlds } = context
  const tools = toolsOf(poolers)
  const { probes } = material
  const total = worlds.reduce((sum, world) => sum + probesFor(world, probes).length, 0)
  let cases = 0
  let leaks = 0
  material.expected.push(
    ...worlds.flatMap((world) => probesFor(world, probes).map(({ id }) => ({ probe: id, world }))),
  )
  const budget =
    context.command !== 'verify' || settings.timeMs === null
      ? null
      : budgetFrom(material.startedAt, settings.timeMs)
  let further = 0
  const report = (what: string) =>
    context.onProgress?.({
      stage: 'verify',
      what,
      done: material.verdicts.length,
      total,
      leaks,
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
      onCell: ({ id }, cell) => {
        directory.append('observations.jsonl', { probe: id, ...cell })
        if (cell.outcome === 'violated') leaks += 1
      },
    },
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

/** The time counts from the start of the command: the server and the seed are paid from it. */
function budgetFrom(startedAt: Date, timeMs: number): Budget {
  const leftMs = Math.max(0, startedAt.getTime() + timeMs - Date.now())
  return { timeMs, signal: AbortSignal.timeout(leftMs) }
}
