/** What the parts of a run are expected to cost: as the last run of this kind here did, else as they usually do. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { worldKey, type WorldId } from '../model/tenancy.ts'
import type { LoadedProbe } from '../probe/ask.ts'
import type { StageName } from './progress.ts'
import type { ExecuteOptions, RunContext } from './running.ts'
import type { Expectation } from './time-left.ts'

/** Durations of an earlier run, as `durations.json` of its directory has them. */
export interface Durations {
  readonly kind: string
  readonly stages: Readonly<Record<string, number>>
  /** By `probeKey`. */
  readonly probes: Readonly<Record<string, number>>
}

const fileName = 'durations.json'
/** Runs of the past that are looked through for one like this. */
const lookedAtMax = 30

/** Relative costs on any machine, full and quick. */
const usual: Readonly<Record<string, readonly [full: number, quick: number]>> = {
  seed: [5, 5],
  verify: [90, 28],
  prove: [40, 12],
  bench: [15, 6],
}

/** Null where no run of the same command and settings left its durations here. */
export function lastDurations(options: ExecuteOptions): Durations | null {
  const kind = kindOf(options)
  const { output } = options.settings
  for (const name of namesIn(output).slice(0, lookedAtMax)) {
    const found = readDurations(join(output, name, fileName))
    if (found?.kind === kind) return found
  }
  return null
}

export function expectationOf(
  stages: readonly StageName[],
  { quick, last }: { readonly quick: boolean; readonly last: Durations | null },
): Expectation {
  const isMeasured = last !== null && stages.every((stage) => (last.stages[stage] ?? 0) > 0)
  return {
    isMeasured,
    stages: stages.map((stage) => ({
      stage,
      ms: (isMeasured ? last.stages[stage] : usual[stage]?.[quick ? 1 : 0]) ?? 1,
    })),
  }
}

/** Pools, the service and operations take many times as long as a question to one session. */
export function probeCost(
  { id, probe }: LoadedProbe,
  world: WorldId,
  last: Durations | null,
): number {
  const known = last?.probes[`${id} ${worldKey(world)}`]
  if (known !== undefined) return known + 1
  const { needs } = probe
  if (probe.basis === 'catalogue') return 20
  if (needs.includes('operations')) return 3_000
  if (needs.includes('pool')) return 4_000
  return needs.includes('http') ? 2_500 : 400
}

/** Complete runs only: what was cut short says nothing of the next one. */
export function keepDurations(context: RunContext): void {
  const { material, directory } = context
  if (material.cutShortBy !== null) return
  const durations: Durations = {
    kind: kindOf(context),
    stages: Object.fromEntries(material.stages.map(({ stage, durationMs }) => [stage, durationMs])),
    probes: Object.fromEntries(
      material.verdicts.map(({ probe, world, durationMs }) => [
        `${probe} ${worldKey(world)}`,
        durationMs,
      ]),
    ),
  }
  directory.writeJson(fileName, durations)
}

/** Runs of one kind cost alike: the seed draws other cases, not more of them. */
function kindOf({ command, settings }: Pick<ExecuteOptions, 'command' | 'settings'>): string {
  const { seed: _, output: __, reporter: ___, target, ...rest } = settings
  return JSON.stringify({ command, target: target === null ? null : 'a server', ...rest })
}

function namesIn(output: string): readonly string[] {
  try {
    return readdirSync(output)
      .filter((name) => /^\d{4}-/.test(name))
      .toSorted()
      .reverse()
  } catch {
    return []
  }
}

function readDurations(path: string): Durations | null {
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as Partial<Durations> | null
    return typeof read?.kind === 'string' &&
      typeof read.stages === 'object' &&
      typeof read.probes === 'object'
      ? (read as Durations)
      : null
  } catch {
    return null
  }
}
