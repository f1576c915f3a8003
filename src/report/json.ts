/** report.json: the one source of every other rendering, with keys in an order that never moves. */

import type { Report } from '../model/report.ts'

/** Top-level keys as the model declares them, whatever order they were put together in. */
const keyOrder: readonly (keyof Report)[] = [
  'reportVersion',
  'tool',
  'run',
  'target',
  'settings',
  'verdict',
  'gates',
  'coverage',
  'findings',
  'verdicts',
  'measurements',
  'plans',
  'mutants',
  'controls',
  'timeline',
  'environment',
]

/** Two spaces, one final newline; equal reports give equal bytes. */
export function renderJson(report: Report): string {
  return `${JSON.stringify(ordered(report), null, 2)}\n`
}

/** Without blanks, for embedding. */
export function renderCompactJson(report: Report): string {
  return JSON.stringify(ordered(report))
}

function ordered(report: Report): Record<string, unknown> {
  const nested = Object.keys(report)
    .filter((key) => !keyOrder.some((known) => known === key))
    .sort()
  const top = [...keyOrder, ...nested].filter((key) => key in report)
  return Object.fromEntries(top.map((key) => [key, sorted(report[key as keyof Report], key)]))
}

/** Rows keep their column order, which is the order of the statement; everything else is sorted. */
function sorted(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((each) => sorted(each, key))
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value)
  const ordered =
    key === 'rows' ? entries : entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return Object.fromEntries(ordered.map(([name, each]) => [name, sorted(each, name)]))
}
