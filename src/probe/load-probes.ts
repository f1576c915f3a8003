/** Loads the probes of every suite from their folders, and chooses those that a text names. */

import { WatertightError } from '../errors.ts'
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

/** Sorted by suite and name; `grep` chooses among them. @throws as `chosenProbes` does. */
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
  return chosenProbes(suites.flat(), grep)
}

/**
 * Those whose `suite/name` contains one of the texts, which commas separate; upper and lower case are alike.
 * @throws WatertightError WATERTIGHT_NO_PROBE with the nearest names when a text chooses none.
 */
export function chosenProbes<T extends Pick<LoadedProbe, 'id' | 'suite'>>(
  probes: readonly T[],
  grep: string | null,
): readonly T[] {
  if (grep === null) return probes
  const texts = grep
    .split(',')
    .map((text) => text.trim().toLowerCase())
    .filter((text) => text !== '')
  const names = probes.map(({ suite, id }) => `${suite}/${id}`)
  const lost = texts.find((text) => !names.some((name) => name.includes(text)))
  if (texts.length === 0 || lost !== undefined) throw noProbe(lost ?? grep, names)
  return probes.filter((_, index) => texts.some((text) => names[index]?.includes(text) === true))
}

function noProbe(text: string, names: readonly string[]): WatertightError {
  return new WatertightError(
    'WATERTIGHT_NO_PROBE',
    `No probe's name contains ${JSON.stringify(text)}`,
    { hint: `Nearest: ${nearest(text, names).join(', ')}; watertight verify --list names all` },
  )
}

const nearestMax = 3

/** By the share of their pairs of letters, which forgives letters that are left out, doubled or exchanged. */
function nearest(text: string, names: readonly string[]): readonly string[] {
  const wanted = pairsOf(text)
  const score = (name: string) => {
    const pairs = pairsOf(name.slice(name.indexOf('/') + 1))
    return [...wanted].filter((pair) => pairs.has(pair)).length / (wanted.size + pairs.size)
  }
  return names.toSorted((a, b) => score(b) - score(a)).slice(0, nearestMax)
}

function pairsOf(text: string): ReadonlySet<string> {
  return new Set(Array.from({ length: text.length }, (_, index) => text.slice(index, index + 2)))
}

function asProbe(value: unknown): Probe {
  const probe = value as Partial<Probe> | null
  const missing = (
    ['claim', 'source', 'severity', 'remedy', 'needs', 'cells', 'search'] as const
  ).filter((name) => probe?.[name] === undefined)
  if (missing.length > 0) throw new Error(`it is no probe: ${missing.join(', ')} missing`)
  return value as Probe
}
