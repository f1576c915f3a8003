/** Asks one server for its own defects, and holds the answers against what is known of its version. */

import { wayOf } from '../../probe/way.ts'
import { fixOf, isAffected, serverDefects, type ServerDefect } from '../../model/server-defects.ts'
import type { DefectScore, ServerScore } from '../../model/report.ts'
import type { CellVerdict, Verdict } from '../../model/verdict.ts'
import { runProbe } from '../../probe/ask.ts'
import type { RunContext } from '../running.ts'
import { loadProbes } from '../../probe/load-probes.ts'
import { openWorld } from '../../reference/site/worlds.ts'

/** The world whose database the rehearsals are built in. */
export const serverWorld = {
  service: 'isp',
  tenancy: 'row-level-security',
  variant: 'hardened',
} as const

export interface ServerStage {
  readonly score: ServerScore
  /** Objects carry the version, because one report holds the same question to several servers. */
  readonly verdicts: readonly Verdict[]
}

/** @throws WatertightError when the world cannot be opened. */
export async function serverStage(context: RunContext): Promise<ServerStage> {
  const { open, settings } = context
  const startedMs = performance.now()
  await using world = await openWorld(open.site, {
    id: serverWorld,
    statementTimeoutMs: settings.statementTimeoutMs,
  })
  const verdicts: Verdict[] = []
  for (const loaded of (await loadProbes()).filter(({ probe }) => wayOf(probe) === 'server')) {
    // Claimed closed: here it is asked what the server does, not whether the platform can be reached by it.
    const search = {
      seed: settings.seed,
      runs: 1,
      claims: new Set(['server']),
      signal: context.signal,
    }
    verdicts.push(await runProbe(loaded, world, search))
  }
  const score = scoreOf(verdicts, {
    version: open.serverVersion,
    versionNum: open.site.serverVersionNum,
  })
  return {
    score: { ...score, durationMs: Math.round(performance.now() - startedMs) },
    verdicts: verdicts.map((verdict) => onServer(verdict, open.serverVersion)),
  }
}

interface Which {
  readonly version: string
  readonly versionNum: number
}

function scoreOf(
  verdicts: readonly Verdict[],
  { version, versionNum }: Which,
): Omit<ServerScore, 'durationMs'> {
  const cellsOf = (basis: Verdict['basis']) =>
    verdicts.filter((verdict) => verdict.basis === basis).flatMap(({ cells }) => cells)
  const [executed, predicted] = [cellsOf('executed'), cellsOf('catalogue')]
  const defects = serverDefects.flatMap((defect): DefectScore[] => {
    const rehearsed = executed.filter(({ object }) => object === defect.id)
    const named = predicted.some(
      ({ object, outcome }) => object === defect.id && outcome === 'violated',
    )
    const known = knownOf(defect, { versionNum, named })
    if (rehearsed.length > 0)
      return rehearsed.map((cell) => ({ ...known, path: cell.path, ...seenOf(cell) }))
    return [{ ...known, path: null, seen: 'not tried', reason: 'nothing is executed for it' }]
  })
  return { version, versionNum, defects }
}

function knownOf(
  defect: ServerDefect,
  { versionNum, named }: { readonly versionNum: number; readonly named: boolean },
) {
  const { id, title, severity, source } = defect
  const [affected, fixedIn] = [isAffected(defect, versionNum), fixOf(defect, versionNum)]
  return { id, title, severity, source, named, affected, fixedIn }
}

function seenOf({ outcome, reason }: CellVerdict): Pick<DefectScore, 'seen' | 'reason'> {
  if (outcome === 'violated') return { seen: 'caught', reason }
  return { seen: outcome === 'holds' ? 'absent' : 'unknown', reason }
}

function onServer(verdict: Verdict, version: string): Verdict {
  return {
    ...verdict,
    cells: verdict.cells.map((cell) => ({ ...cell, object: `${cell.object} on ${version}` })),
  }
}
