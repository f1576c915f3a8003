/** The verify stage of a run: progress, observations on disk, verdicts in the record. */

import { worldKey } from '../model/tenancy.ts'
import type { RunContext } from './context.ts'
import { searchLimits } from './search-limits.ts'
import { probesFor, verify } from './verify.ts'

export async function verifyStage(context: RunContext): Promise<string> {
  const { settings, material, directory, open, poolers, worlds } = context
  const { probes } = material
  const total = worlds.reduce((sum, world) => sum + probesFor(world, probes).length, 0)
  let cases = 0
  let leaks = 0
  material.expected.push(
    ...worlds.flatMap((world) => probesFor(world, probes).map(({ id }) => ({ probe: id, world }))),
  )
  const { verdicts, timeline } = await verify(open.site, {
    worlds,
    probes,
    statementTimeoutMs: settings.statementTimeoutMs,
    search: {
      seed: settings.seed,
      runs: settings.runs,
      claims: new Set(settings.claims),
      ...searchLimits(settings),
      poolers: poolers.rigs,
      ...(poolers.matrix === null ? {} : { matrix: poolers.matrix }),
      pgbouncerAsked: settings.pgbouncer !== null,
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
      context.onProgress?.({
        stage: 'verify',
        what: `${verdict.probe} in ${worldKey(verdict.world)}`,
        done: material.verdicts.length,
        total,
        cases: material.verdicts.reduce((sum, { evidence }) => sum + evidence.casesTried, 0),
        leaks,
      })
    },
  })
  material.verdicts.splice(0, material.verdicts.length, ...verdicts)
  material.timeline.push(...timeline)
  directory.writeJson('verdicts.json', material.verdicts)
  return `${material.verdicts.length} verdicts, ${Math.max(
    cases,
    material.verdicts.reduce((sum, { evidence }) => sum + evidence.casesTried, 0),
  ).toLocaleString('en-US')} cases`
}
