/** Loads the probes of every suite from their folders. */

import type { LoadedProbe } from './ask.ts'
import type { Probe } from './define.ts'
import { loadFolder } from '../registry.ts'

export const probeSuites = [
  'isolation',
  'context',
  'catalog',
  'service',
  'operations',
  'server',
] as const

/** Sorted by suite and name; `grep` keeps those whose `suite/name` contains it. */
export async function loadProbes(grep: string | null = null): Promise<readonly LoadedProbe[]> {
  const suites = await Promise.all(
    probeSuites.map(async (suite) =>
      (await loadFolder(`suites/${suite}`, asProbe)).map(({ id, value }): LoadedProbe => ({
        id,
        suite,
        probe: value,
      })),
    ),
  )
  return suites.flat().filter(({ id, suite }) => grep === null || `${suite}/${id}`.includes(grep))
}

function asProbe(value: unknown): Probe {
  const probe = value as Partial<Probe> | null
  const missing = (
    ['claim', 'source', 'severity', 'remedy', 'needs', 'cells', 'search'] as const
  ).filter((name) => probe?.[name] === undefined)
  if (missing.length > 0) throw new Error(`it is no probe: ${missing.join(', ')} missing`)
  return value as Probe
}
