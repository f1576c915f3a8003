/** What the stages of one run share. */

import type { Settings } from '../config/settings.ts'
import type { CutShort, SettingEntry } from '../model/report.ts'
import { services, type Service, type WorldId } from '../model/tenancy.ts'
import type { Material } from './store/material.ts'
import type { Mutant } from './proof/mutant.ts'
import type { OpenSite } from '../reference/site/open-site.ts'
import type { Durations } from './expected-costs.ts'
import type { Poolers } from './poolers.ts'
import type { RunEvents } from './progress.ts'
import type { RunDirectory } from './store/run-directory.ts'

export type Command = 'run' | 'verify' | 'prove' | 'bench' | 'seed'

export interface ExecuteOptions extends RunEvents {
  readonly command: Command
  readonly settings: Settings
  /** With origins, secrets removed. */
  readonly entries: Readonly<Record<string, SettingEntry>>
  readonly signal: AbortSignal
  /** What aborted the signal, null while nothing did. */
  readonly interruptedBy: () => CutShort | null
}

/** State shared by the stages of one run. */
export interface RunContext extends ExecuteOptions {
  readonly directory: RunDirectory
  readonly open: OpenSite
  readonly poolers: Poolers
  readonly worlds: readonly WorldId[]
  readonly mutants: readonly Mutant[]
  readonly own: readonly Mutant[]
  readonly controls: readonly Mutant[]
  readonly material: Material
  /** What a run like this one cost here the last time, null for the first. */
  readonly lastDurations: Durations | null
}

/** The seed document's SQL is compared where time allows; what is left out stands in the coverage. */
export function asWrittenServices({
  command,
  settings,
}: Pick<ExecuteOptions, 'command' | 'settings'>): readonly Service[] {
  if (command === 'verify') return []
  return settings.quick && command === 'run' ? ['isp'] : services
}
