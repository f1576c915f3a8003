/** The cells of one verdict, judged again where their observations allow it. */

import { isDeepStrictEqual } from 'node:util'
import { worldKey } from '../model/tenancy.ts'
import { worstOutcome } from '../judge/order.ts'
import type { CellVerdict, Outcome, Verdict } from '../model/verdict.ts'
import type { Probe } from '../probe/define.ts'
import { NeedsServer } from '../probe/judge-again.ts'
import { afterRound } from '../probe/rounds.ts'
import type { World } from '../world/world.ts'
import type { UnpackedCell } from './store/observations.ts'
import type { Observations, StoredCell } from './store/read-observations.ts'

export interface Said {
  readonly outcome: Outcome
  readonly reason: string
}

export interface CellDifference {
  readonly object: string
  readonly path: string
  readonly before: Said
  readonly after: Said
  /** What differs: the answer itself, or only what it rests on. */
  readonly in: readonly (keyof CellVerdict)[]
}

export interface CellsAgain {
  readonly cells: readonly CellVerdict[]
  readonly judged: number
  readonly differences: readonly CellDifference[]
  readonly kept: readonly { readonly cells: number; readonly why: string }[]
}

interface Sources {
  readonly observations: Observations
  readonly claims: ReadonlySet<string>
}

export function cellsAgain(
  probe: Probe,
  stored: Verdict,
  { observations, claims }: Sources,
): CellsAgain {
  const searches = searchesOf(stored, observations.cells)
  const world = observations.worlds.get(worldKey(stored.world))
  const why = new Map<string, number>()
  const differences: CellDifference[] = []
  let judged = 0
  const keep = (cell: CellVerdict, reason: string) => {
    why.set(reason, (why.get(reason) ?? 0) + 1)
    return cell
  }
  const cells = stored.cells.map((cell) => {
    if (probe.judgeAgain === undefined) return keep(cell, whyNever(probe))
    const found = searches.take(cell)
    const again =
      found === null || world === undefined
        ? unseen(cell)
        : judgedCell(probe, found, { world, claims, stored: cell })
    if (typeof again === 'string') return keep(cell, again)
    if (found !== null) judged += 1
    const differs = differencesOf(cell, again)
    if (differs === null) return cell
    differences.push(differs)
    return again
  })
  return {
    cells,
    judged,
    differences,
    kept: [...why].map(([text, n]) => ({ cells: n, why: text })),
  }
}

function whyNever({ basis }: Probe): string {
  return basis === 'catalogue'
    ? 'its evidence is what the server says of itself'
    : 'its judge asks the server while it searches'
}

/** A leak stays proven; what was tried and cannot be shown any more does not hold. */
function unseen(cell: CellVerdict): CellVerdict | string {
  if (cell.outcome === 'violated') return 'what it saw is not stored; a leak stays proven'
  if (cell.evidence.casesTried === 0 && cell.outcome !== 'holds') return 'nothing was tried'
  return { ...cell, outcome: 'unknown', reason: 'what it saw is not stored' }
}

interface Judged {
  readonly world: World
  readonly claims: ReadonlySet<string>
  readonly stored: CellVerdict
}

/** The searches of one cell, merged as they were; a text says why they cannot be judged. */
function judgedCell(
  probe: Probe,
  searches: readonly StoredCell[],
  { world, claims, stored }: Judged,
): CellVerdict | string {
  try {
    let verdict: CellVerdict | null = null
    let rounds = 0
    for (const packed of searches) {
      const search = packed.unpack()
      const found = judgedSearch(probe, search, { world, claims, stored })
      // A counterexample of an earlier run that leaks no more says nothing about the rest of the cell.
      if (search.seen.replaying && found.outcome !== 'violated') continue
      if (verdict === null) verdict = found
      else verdict = afterRound(verdict, found, (rounds += 1) === 1)
      if (verdict.outcome === 'violated') break
    }
    const again: CellVerdict = verdict ?? {
      ...stored,
      outcome: 'unknown',
      reason: 'only the counterexample of an earlier run was tried',
      counterexample: null,
    }
    return stored.askedAgain === true ? { ...again, askedAgain: true } : again
  } catch (error) {
    if (error instanceof NeedsServer) return error.message
    throw error
  }
}

function judgedSearch(
  probe: Probe,
  { cell: { object: name, ...cell }, seen, cut }: UnpackedCell,
  { world, claims, stored }: Judged,
): CellVerdict {
  const object = world.objects.find((each) => each.name === name) ?? null
  const scene = { world, cell: { ...cell, object } }
  const unknown = (reason: string) => ({
    ...stored,
    outcome: 'unknown' as const,
    reason,
    counterexample: null,
  })
  if (name !== null && object === null) return unknown(`its object ${name} is not stored`)
  const found = probe.judgeAgain?.(scene, seen, { claims })
  if (found === undefined) return unknown('its probe judges nothing again')
  if (cut === 0 || worstOutcome([found.outcome, 'unknown']) === 'violated') return found
  return {
    ...found,
    outcome: 'unknown',
    reason: `${cut} of its observations were too much to be kept`,
  }
}

/** Searches by the cell that they asked; the report names a violated one by what was shown. */
function searchesOf({ probe, world }: Verdict, cells: readonly StoredCell[]) {
  const byCell = new Map<string, StoredCell[]>()
  for (const each of cells) {
    if (each.probe !== probe || each.world !== worldKey(world)) continue
    const key = JSON.stringify([each.cell.name, each.cell.path])
    byCell.set(key, [...(byCell.get(key) ?? []), each])
  }
  const waiting = [...byCell.values()]
  return {
    take: ({ object, path }: CellVerdict): readonly StoredCell[] | null => {
      const index = waiting.findIndex((searches) =>
        searches.some(({ verdict }) => verdict.object === object && verdict.path === path),
      )
      return index < 0 ? null : (waiting.splice(index, 1)[0] ?? null)
    },
  }
}

/** Null when the two say the same for the same reasons. */
function differencesOf(before: CellVerdict, after: CellVerdict): CellDifference | null {
  const parts = [
    'outcome',
    'reason',
    'path',
    'evidence',
    'counterexample',
    'indeterminate',
    'inherent',
  ] as const
  const [then, now] = [asStored(before), asStored(after)]
  const differing = parts.filter((part) => !isDeepStrictEqual(then[part], now[part]))
  if (differing.length === 0) return null
  return {
    object: before.object,
    path: before.path,
    before: { outcome: before.outcome, reason: before.reason },
    after: { outcome: after.outcome, reason: after.reason },
    in: differing,
  }
}

function asStored(cell: CellVerdict): CellVerdict {
  return JSON.parse(JSON.stringify(cell)) as CellVerdict
}
