/** The order of the tests: what takes longest begins first, so that no worker is left alone with it at the end. */

import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Milliseconds of each file, the longest first; `npm run test:durations` writes it from a report of the tests. */
export type Durations = Readonly<Record<string, number>>

export const durationsPath = new URL('durations.json', import.meta.url)

/** Files that nobody has measured may be long, so they come first. */
export function longestFirst(paths: readonly string[], durations: Durations): readonly string[] {
  const of = (path: string) => durations[path] ?? Infinity
  return [...paths].sort((a, b) => (of(a) === of(b) ? (a < b ? -1 : 1) : of(b) > of(a) ? 1 : -1))
}

export class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const durations = JSON.parse(readFileSync(durationsPath, 'utf8')) as Durations
    const pathOf = ({ moduleId }: TestSpecification) => relative(this.ctx.config.root, moduleId)
    const order = longestFirst(files.map(pathOf), durations)
    const rank = new Map(order.map((path, index) => [path, index]))
    const rankOf = (file: TestSpecification) => rank.get(pathOf(file)) ?? 0
    return Promise.resolve([...files].sort((a, b) => rankOf(a) - rankOf(b)))
  }
}
