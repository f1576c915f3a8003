/** What the stages of a run collect, from the first second to the report. */

import type { GeneratedScore } from '../../model/generated.ts'
import type { ProbeProof } from '../../model/detector.ts'
import type { Measurement, PlanCheck } from '../../model/measurement.ts'
import type {
  ControlScore,
  Coverage,
  CutShort,
  MutantScore,
  ServerScore,
  TimelineSpan,
} from '../../model/report.ts'
import type { SearchSummary } from '../../model/search-summary.ts'
import type { WorldId } from '../../model/tenancy.ts'
import type { Verdict } from '../../model/verdict.ts'
import type { LoadedProbe } from '../../probe/ask.ts'

/** What the stages of a run collect; it grows and is never rewritten. */
export interface Material {
  readonly startedAt: Date
  readonly command: string
  readonly probes: readonly LoadedProbe[]
  /** Null when every probe was asked for. */
  readonly filter: NonNullable<Coverage['filter']> | null
  readonly stages: { stage: string; durationMs: number }[]
  readonly verdicts: Verdict[]
  readonly expected: { probe: string; world: WorldId }[]
  readonly timeline: TimelineSpan[]
  readonly databases: string[]
  readonly untested: { what: string; why: string }[]
  readonly measurements: Measurement[]
  readonly plans: PlanCheck[]
  /** Servers that were asked for their own defects, in order. */
  readonly servers: ServerScore[]
  probeProofs: readonly ProbeProof[]
  search: SearchSummary | null
  mutants: MutantScore
  generated: GeneratedScore | null
  controls: ControlScore
  cutShortBy: CutShort | null
  failure: unknown
}

export function emptyMaterial(
  start: Pick<Material, 'startedAt' | 'command' | 'probes'> & Partial<Pick<Material, 'filter'>>,
): Material {
  return {
    filter: null,
    ...start,
    stages: [],
    verdicts: [],
    expected: [],
    timeline: [],
    databases: [],
    untested: [],
    measurements: [],
    plans: [],
    servers: [],
    probeProofs: [],
    search: null,
    mutants: { total: 0, killed: 0, survived: [], kills: [] },
    generated: null,
    controls: { total: 0, silent: 0, noisy: [] },
    cutShortBy: null,
    failure: null,
  }
}
