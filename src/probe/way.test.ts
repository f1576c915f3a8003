/** The way of a probe follows from its needs; each suite's probes ask in the way that its folder says. */

import { expect, test } from 'vitest'
import type { Need } from './define.ts'
import { loadProbes } from './load-probes.ts'
import { isPooled, wayOf } from './way.ts'

const ways: readonly (readonly [needs: readonly Need[], exhaustive: boolean, way: string])[] = [
  [[], false, 'session'],
  [['rows', 'writes', 'timing'], false, 'session'],
  [['pool'], false, 'pool'],
  [['pgbouncer'], false, 'pool'],
  [['pool'], true, 'pool matrix'],
  [['http', 'rows'], false, 'service'],
  [['operations'], false, 'operations'],
  [['rows', 'server'], false, 'server'],
]

test.each(ways)('needs %j, exhaustive %j: %s', (needs, exhaustive, way) => {
  expect(wayOf({ needs, exhaustive })).toBe(way)
  expect(isPooled(wayOf({ needs, exhaustive }))).toBe(way.startsWith('pool'))
})

test('the probes of a suite ask in the ways that its folder stands for', async () => {
  const found = new Map<string, Set<string>>()
  for (const { suite, probe } of await loadProbes())
    found.set(suite, (found.get(suite) ?? new Set()).add(wayOf(probe)))
  expect(Object.fromEntries([...found].map(([suite, ways]) => [suite, [...ways].sort()]))).toEqual({
    catalog: ['session'],
    context: ['pool', 'pool matrix'],
    isolation: ['session'],
    operations: ['operations'],
    server: ['server'],
    service: ['service'],
  })
})
