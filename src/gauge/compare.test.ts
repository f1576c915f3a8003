/** A comparison on a server: what fails or answers with other rows is named, and never becomes a number. */

import { expect, test } from 'vitest'
import { startEmbeddedServer } from '../postgres/server/server.ts'
import { Session } from '../postgres/session/session.ts'
import type { Tenant } from '../model/tenant.ts'
import { blockSizeFor, compareVariants } from './compare.ts'
import type { Variant } from './variant.ts'

const from = (title: string, source: string) =>
  ({ title, enter: () => 'SELECT 1', source }) as unknown as Variant & { source: string }

test('equal work shows numbers; other rows and errors are told by name', async () => {
  await using server = await startEmbeddedServer()
  await using session = await Session.connect({ address: server.address, database: 'postgres' })
  await session.query('CREATE TABLE a AS SELECT generate_series(1, 20) AS id')
  const query = {
    title: 'page',
    writes: false,
    sql: (variant: Variant) =>
      `SELECT id FROM ${(variant as unknown as { source: string }).source}`,
  }
  const { measurements, failures } = await compareVariants(query, {
    session,
    tenants: [{ id: 'a' }] as unknown as readonly Tenant[],
    seed: 1,
    budgetMs: 300,
    localBackend: true,
    gauge: 'g',
    reference: from('plain', 'a'),
    others: [
      from('same', '(SELECT id FROM a) b'),
      from('fewer rows', 'a LIMIT 3'),
      from('broken', 'nowhere'),
    ],
  })
  const of = (title: string) => measurements.find(({ variant }) => variant === title)
  expect(of('same')?.pairs).toBeGreaterThanOrEqual(8)
  expect(of('same')?.ratio).toBeGreaterThan(0)
  expect([of('fewer rows')?.pairs, of('fewer rows')?.comparison]).toEqual([0, 'cannot tell'])
  expect(of('broken')).toBeUndefined()
  expect(failures).toHaveLength(2)
  expect(failures.join('\n')).toMatch(/page of broken could not be measured: .*nowhere/)
  expect(failures.join('\n')).toContain('page of fewer rows: 3 rows where the plain query gives 20')
})

test('blocks are shorter where statements are long, and never longer than ten where they are not', () => {
  expect([blockSizeFor([3, 4]), blockSizeFor([20]), blockSizeFor([500])]).toEqual([10, 2, 1])
  expect([blockSizeFor([]), blockSizeFor([0])]).toEqual([10, 10])
  // What the clock cannot see alone is measured in longer blocks.
  expect(blockSizeFor([0.000_000_1])).toBeGreaterThan(10)
})
