/** Cycles make the order of evaluation matter: what is undefined at import time depends on who came first. */

import type { Fault, SourceTree } from './source-tree.ts'

/** One fault per cycle of run-time imports, named at its first file. */
export function cycleFaults(tree: SourceTree): readonly Fault[] {
  const edges = new Map(
    tree.units.map(({ path, imports }) => [
      path,
      imports
        .filter(({ isRelative, isTypeOnly }) => isRelative && !isTypeOnly)
        .map(({ target }) => target),
    ]),
  )
  const finished = new Set<string>()
  const cycles = new Map<string, readonly string[]>()
  const visit = (path: string, trail: readonly string[]): void => {
    const seen = trail.indexOf(path)
    if (seen >= 0) {
      const cycle = trail.slice(seen)
      cycles.set([...cycle].sort().join(' '), cycle)
      return
    }
    if (finished.has(path)) return
    for (const target of edges.get(path) ?? []) visit(target, [...trail, path])
    finished.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  return [...cycles.values()].map((cycle) => ({
    rule: 'cycles',
    path: cycle[0] ?? '',
    line: 1,
    sentence: `is in a cycle: ${[...cycle, cycle[0]].join(' -> ')}`,
  }))
}
