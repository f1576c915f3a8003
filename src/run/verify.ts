/** The verify stage: every probe in every world, each cell on disk as soon as it is judged. */

import { messageOf } from '../errors.ts'
import { worldKey, type WorldId } from '../model/tenancy.ts'
import type { TimelineSpan } from '../model/report.ts'
import type { Verdict } from '../model/verdict.ts'
import { runProbe, type LoadedProbe, type RunSettings } from '../probe/run.ts'
import type { World } from '../probe/world.ts'
import { databaseName } from './namespace.ts'
import type { Site } from './provision.ts'
import { openWorld } from './worlds.ts'

export interface VerifyOptions {
  readonly worlds: readonly WorldId[]
  readonly probes: readonly LoadedProbe[]
  readonly search: RunSettings
  readonly statementTimeoutMs: number
  readonly onVerdict: (verdict: Verdict) => void
}

const spansKept = 400
/** A search mostly waits for answers; more than this and the server's cores are the limit. */
const worldsAtOnce = 3

export interface VerifyResult {
  readonly verdicts: readonly Verdict[]
  readonly timeline: readonly TimelineSpan[]
}

/** A world that cannot be opened gives `unknown` for every probe that was to run in it. */
export async function verify(site: Site, options: VerifyOptions): Promise<VerifyResult> {
  const verdicts: Verdict[] = []
  const timeline: TimelineSpan[] = []
  const startedMs = performance.now()
  const search: RunSettings = {
    ...options.search,
    onSpans: ({ world, rig }, spans) => {
      for (const span of spans.slice(0, Math.max(0, spansKept - timeline.length))) {
        timeline.push({
          world: world.key,
          pooler: rig.title,
          backendPid: span.pid,
          tenant: span.tenant,
          sawForeign: span.foreign,
          startMs: Math.round((span.startMs - startedMs) * 10) / 10,
          endMs: Math.round((span.endMs - startedMs) * 10) / 10,
        })
      }
    },
  }
  const waiting = [...options.worlds]
  const verifyNext = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      await verifyWorld(site, id, {
        ...options,
        search,
        onVerdict: (verdict) => {
          verdicts.push(verdict)
          options.onVerdict(verdict)
        },
      })
    }
  }
  await Promise.all(Array.from({ length: worldsAtOnce }, verifyNext))
  return { verdicts: inOrder(verdicts, options), timeline }
}

async function verifyWorld(site: Site, id: WorldId, options: VerifyOptions): Promise<void> {
  const world = await tryOpen(site, id, options.statementTimeoutMs)
  for (const loaded of probesFor(id, options.probes)) {
    options.onVerdict(
      typeof world === 'string'
        ? unreachable(loaded, { id, site, reason: world })
        : await runProbe(loaded, world, options.search),
    )
  }
  // A connection that is lost already needs no goodbye.
  if (typeof world !== 'string') await world[Symbol.asyncDispose]().catch(() => undefined)
}

/** Questions with hundreds of cells, which would say of the as-written variant only once more that it leaks. */
export const wideProbes: readonly string[] = ['reads-by-grammar', 'writes-by-grammar', 'defences-stay-up',
  'statistics-reveal-foreign-values']

/** Strategies are the platform's, not a variant's: the context suite runs where it is judged. */
export function probesFor(id: WorldId, probes: readonly LoadedProbe[]): readonly LoadedProbe[] {
  return id.variant !== 'as-written' ? probes
    : probes.filter((loaded) => loaded.suite !== 'context' && !wideProbes.includes(loaded.id))
}

/** Worlds finish in any order; the record has them in the order they were asked for. */
function inOrder(verdicts: readonly Verdict[], { worlds, probes }: VerifyOptions): readonly Verdict[] {
  const rank = (verdict: Verdict) =>
    worlds.findIndex((id) => worldKey(id) === worldKey(verdict.world)) * probes.length +
    probes.findIndex(({ id }) => id === verdict.probe)
  return verdicts.toSorted((a, b) => rank(a) - rank(b))
}

async function tryOpen(site: Site, id: WorldId, statementTimeoutMs: number): Promise<World | string> {
  try {
    return await openWorld(site, { id, statementTimeoutMs })
  } catch (error) {
    return `the world ${worldKey(id)} could not be opened: ${messageOf(error)}`
  }
}

interface Unreachable {
  readonly id: WorldId
  readonly site: Site
  readonly reason: string
}

function unreachable({ id, suite, probe }: LoadedProbe, where: Unreachable): Verdict {
  return {
    probe: id,
    suite,
    claim: probe.claim,
    source: probe.source,
    severity: probe.severity,
    remedy: probe.remedy,
    world: where.id,
    database: databaseName(where.site.namespace, where.id),
    basis: probe.basis,
    outcome: 'unknown',
    reason: where.reason,
    cells: [],
    durationMs: 0,
    evidence: {
      casesAsked: 0,
      casesTried: 0,
      controlsTried: 0,
      controlsSeen: 0,
      refused: 0,
      indeterminate: 0,
      sharedBackends: null,
    },
  }
}
