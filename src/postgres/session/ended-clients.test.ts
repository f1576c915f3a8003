/** A pool ends although a borrower forgot its client, when the backend of that client is gone. */

import { expect, test } from 'vitest'
import { startEmbeddedServer } from '../server/server.ts'
import { RecordedPool } from './recorded-pool.ts'
import { Session } from './session.ts'

test('a client is given back when the driver learns later than we do that its backend is gone', async () => {
  await using server = await startEmbeddedServer()
  const options = { address: server.address, database: 'postgres' }
  await using operator = await Session.connect(options)
  const pool = new RecordedPool({ ...options, max: 2 })
  const [forgotten, used] = [await pool.pool.connect(), await pool.pool.connect()]
  const { rows } = await forgotten.query<{ pid: string }>('SELECT pg_backend_pid() AS pid')
  const ended = operator.query(`SELECT pg_terminate_backend(${rows[0]?.pid ?? 0})`)
  // Before the end of the socket can have been read.
  pool.giveBackEnded()
  await ended
  expect(await used.query('SELECT 1 AS one')).toMatchObject({ rows: [{ one: '1' }] })
  used.release()
  let hasEnded = false
  void pool[Symbol.asyncDispose]().then(() => {
    hasEnded = true
  })
  await expect.poll(() => hasEnded, { timeout: 3_000 }).toBe(true)
}, 60_000)
