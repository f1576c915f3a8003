import { expect, test } from 'vitest'
import { startEmbeddedServer } from '../../postgres/server/server.ts'
import { Session } from '../../postgres/session/session.ts'
import { nested, nestings } from './nesting.ts'

test('the server takes every wrapper, and every pair of them, and reads through it what is wrapped', async () => {
  await using server = await startEmbeddedServer()
  await using session = await Session.connect({ address: server.address, database: 'postgres' })
  await session.query(`CREATE TABLE somewhere (secret text); INSERT INTO somewhere VALUES ('mark')`)
  const refused: string[] = []
  const wrappings = [
    [],
    ...nestings.map((one) => [one]),
    ...nestings.flatMap((one) => nestings.map((other) => [one, other])),
  ]
  for (const wrappers of wrappings) {
    const sql = nested('SELECT secret FROM somewhere', wrappers)
    const seen = await session.observe({ sql, role: 'attack' })
    // A wrapper may drop rows and never invent them: what it shows is what was wrapped, or nothing at all.
    if (seen.kind !== 'rows') refused.push(`${sql}: ${seen.message}`)
    else if (wrappers.length < 2 && !JSON.stringify(seen.rows).includes('mark'))
      refused.push(`${sql}: it shows nothing`)
  }
  expect(refused).toEqual([])
  expect(wrappings.length).toBeGreaterThan(30)
  expect(nested('SELECT 1', [])).toBe('SELECT 1')
})
