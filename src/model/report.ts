/** The report: the record of one run, every number of every rendering comes from here. */

import type { DetectorProof, KillWitness } from './detector.ts'
import type { Finding } from './finding.ts'
import type { GeneratedScore } from './generated.ts'
import type { Measurement, PlanCheck } from './measurement.ts'
import type { SearchSummary } from './search-summary.ts'
import type { Severity } from './severity.ts'
import type { Verdict } from './verdict.ts'

export const reportVersion = 1

/** Stable words for the exit codes of DESIGN section 8. */
export const verdictWords = {
  0: 'holds',
  1: 'violated',
  2: 'not judged',
  3: 'inconclusive',
  4: 'too slow',
  70: 'internal error',
  130: 'interrupted',
  143: 'interrupted',
} as const
export type ExitCode = keyof typeof verdictWords

export type Origin = 'flag' | 'env' | 'file' | 'default'
export interface SettingEntry {
  readonly value: unknown
  readonly origin: Origin
}

export interface GateResult {
  readonly id: string
  readonly kind: 'isolation' | 'coverage' | 'performance' | 'detector'
  /** The rule as written, e.g. `findings above low == 0`. */
  readonly expression: string
  /** What was found, as text; `missing` when there is no value. */
  readonly value: string
  readonly state: 'open' | 'shut' | 'undecided'
  readonly reason: string
}

export interface Coverage {
  readonly probesAsked: number
  readonly probesTried: number
  readonly cellsAsked: number
  readonly cellsTried: number
  readonly cellsHeld: number
  readonly cellsViolated: number
  readonly cellsUnknown: number
  readonly cellsInapplicable: number
  readonly objects: number
  readonly casesTried: number
  /** Probes that were asked for by name, and how many there are; null when all were. Absent in earlier records. */
  readonly filter?: { readonly probes: number; readonly of: number; readonly grep: string } | null
  readonly poolers: readonly {
    readonly title: string
    readonly tested: boolean
    readonly reason: string
    readonly hint: string | null
  }[]
  /** Everything that was not tested, with the reason; never empty of what is known to be missing. */
  readonly untested: readonly { readonly what: string; readonly why: string }[]
  /** What no test inside one database can prove, and is assumed. */
  readonly assumptions: readonly string[]
}

export interface Kill {
  readonly id: string
  readonly title: string
  /** Class of fault; null for a mutant that names none, absent in records of earlier versions. */
  readonly class?: string | null | undefined
  readonly probe: string
  /** `catalogue` only where no attack can show the defect. */
  readonly basis?: 'executed' | 'catalogue' | undefined
  readonly cases: number
  readonly ms: number
  /** The attack and what it showed; absent in records of earlier versions. */
  readonly witness?: KillWitness | undefined
}
export interface Survivor {
  readonly id: string
  readonly title: string
  readonly class?: string | null | undefined
  readonly reason: string
}
export interface MutantScore {
  readonly total: number
  readonly killed: number
  readonly survived: readonly Survivor[]
  readonly kills: readonly Kill[]
  /** Classes of fault with at least one mutant, and those of which every mutant was killed. */
  readonly classes?:
    | { readonly tried: number; readonly killed: number; readonly list: readonly ClassScore[] }
    | undefined
}
/** A class of fault; it is killed when every mutant of it was. */
export interface ClassScore {
  readonly id: string
  readonly title: string
  readonly mutants: number
  readonly killed: number
}
export interface ControlScore {
  readonly total: number
  readonly silent: number
  readonly noisy: readonly {
    readonly id: string
    readonly title: string
    readonly reason: string
  }[]
}

/** What is known and what was seen of one defect of PostgreSQL on one server. */
export interface DefectScore {
  readonly id: string
  readonly title: string
  readonly severity: Severity
  readonly source: string
  /** How it was tried; null when nothing is executed for it. */
  readonly path: string | null
  /** By the server's version. */
  readonly affected: boolean
  /** First version without it in this major, or the next major; null when this major never had it. */
  readonly fixedIn: string | null
  /** True when the catalogue probe reports it by name. */
  readonly named: boolean
  readonly seen: 'caught' | 'absent' | 'unknown' | 'not tried'
  readonly reason: string
}
export interface ServerScore {
  readonly version: string
  readonly versionNum: number
  readonly durationMs: number
  readonly defects: readonly DefectScore[]
}

/** One checkout of one connection, for the context timeline: lanes are backends, colours tenants. */
export interface TimelineSpan {
  readonly world: string
  readonly pooler: string
  readonly backendPid: number
  readonly tenant: string
  readonly startMs: number
  readonly endMs: number
  readonly sawForeign: boolean
}

export interface Environment {
  readonly node: string
  readonly platform: string
  readonly cpus: number
  readonly cpuModel: string
  readonly memoryBytes: number
  readonly serverVersion: string
  readonly serverSettings: Readonly<Record<string, string>>
  readonly nodePeakRssBytes: number
}

/** Why a run did not reach its end. The exit code follows from `by` and `signal`, never from the text. */
export interface CutShort {
  /**
   * `bug`: a fault of watertight itself. `signal`: somebody ended it. `server`: the server or the way to
   * it was lost. `time`: the limit of the run. `error`: an error with a code of its own, such as a full disk.
   */
  readonly by: 'bug' | 'signal' | 'server' | 'time' | 'error'
  readonly text: string
  readonly signal?: 'SIGINT' | 'SIGTERM'
}

export interface Report {
  readonly reportVersion: typeof reportVersion
  readonly tool: {
    readonly name: 'watertight'
    readonly version: string
    readonly commit: string | null
  }
  readonly run: {
    readonly id: string
    readonly command: string
    readonly startedAt: string
    readonly finishedAt: string
    readonly durationMs: number
    readonly seed: number
    readonly tenants: readonly { readonly id: string; readonly rows: number }[]
    readonly partial: boolean
    /** Null when it ran to its end. */
    readonly cutShortBy: CutShort | null
    /** Wall time of each stage in ms, in order. */
    readonly stages: readonly { readonly stage: string; readonly durationMs: number }[]
  }
  readonly target: {
    readonly kind: 'embedded' | 'named'
    /** Host and port, never credentials. */
    readonly address: string
    readonly serverVersion: string
    readonly serverVersionNum: number
    readonly databases: readonly string[]
    readonly kept: boolean
    /** Databases of a named server that were there and that nobody looked at; absent in earlier records. */
    readonly unexamined?: readonly string[]
  }
  readonly settings: Readonly<Record<string, SettingEntry>>
  readonly verdict: {
    readonly word: string
    readonly exitCode: ExitCode
    readonly sentence: string
  }
  readonly gates: readonly GateResult[]
  readonly coverage: Coverage
  readonly findings: readonly Finding[]
  readonly verdicts: readonly Verdict[]
  readonly measurements: readonly Measurement[]
  readonly plans: readonly PlanCheck[]
  readonly mutants: MutantScore
  readonly controls: ControlScore
  /** Mutants that nobody wrote by hand; absent where none was asked for. */
  readonly generated?: GeneratedScore | undefined
  /** Servers of `prove --server`, each with its own defects; absent elsewhere. */
  readonly servers?: readonly ServerScore[] | undefined
  /** What each counted probe proved in this run; absent where nothing was proven, and in earlier records. */
  readonly detector?: DetectorProof | undefined
  /** How the leaks were searched for; absent in records of earlier versions and where nothing was searched. */
  readonly search?: SearchSummary | undefined
  readonly timeline: readonly TimelineSpan[]
  readonly environment: Environment
}
