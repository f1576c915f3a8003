/** A backend that stands still ends the wait for it; one that is slow, or has nothing to answer, does not. */

import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEmbeddedServer, type EmbeddedServer } from '../server/server.ts'
import { losePatience } from './patience.ts'
import { Session } from './session.ts'
import { isConnectionLoss } from './sqlstate.ts'

let server: EmbeddedServer
beforeAll(async () => {
  server = await startEmbeddedServer()
})
afterAll(async () => {
  await server.stop()
})

const limitMs = 600
async function impatient(pipeline: boolean): Promise<Session> {
  const { address } = server
  const session = await Session.connect({ address, database: 'postgres', pipeline })
  losePatience(session.client, limitMs)
  return session
}

test.each([
  ['statements in a row', false],
  ['statements sent together', true],
])(
  'a backend that stands still under %s is a lost connection, at once and for what comes after',
  async (_, pipeline) => {
    const session = await impatient(pipeline)
    const pid = Number(session.backendPid)
    process.kill(pid, 'SIGSTOP')
    try {
      const startedMs = performance.now()
      const failures = await Promise.all(
        ['SELECT 1', 'SELECT 2'].map((sql) => session.query(sql).catch((error: unknown) => error)),
      )
      expect(performance.now() - startedMs).toBeLessThan(10 * limitMs)
      expect(failures.map(isConnectionLoss)).toEqual([true, true])
      expect(String(failures[0])).toMatch(/did not answer for/)
      expect(session.lost).not.toBeNull()
      expect(await session.attempt([{ sql: 'SELECT 3', role: 'attack' }])).toMatchObject({
        steps: expect.arrayContaining([
          expect.objectContaining({ observation: expect.objectContaining({ sqlstate: null }) }),
        ]),
      })
    } finally {
      process.kill(pid, 'SIGCONT')
      await session[Symbol.asyncDispose]()
    }
  },
)

test('slow answers, and a connection that nobody asks, are waited for', async () => {
  await using session = await impatient(true)
  await Promise.all(Array.from({ length: 5 }, () => session.query('SELECT pg_sleep(0.25)')))
  await pause(2 * limitMs)
  expect(await session.query('SELECT 1 AS one')).toEqual([{ one: '1' }])
})

test('nobody waits for the goodbye of a server that stands still', async () => {
  const session = await impatient(true)
  const pid = Number(session.backendPid)
  process.kill(pid, 'SIGSTOP')
  try {
    const startedMs = performance.now()
    await session[Symbol.asyncDispose]()
    expect(performance.now() - startedMs).toBeLessThan(5_000)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
})
