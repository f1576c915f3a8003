/** A server that starts, answers and is gone afterwards is what every other suite stands on. */

import { existsSync } from 'node:fs'
import pg from 'pg'
import { expect, test } from 'vitest'
import { identifyProcess } from './process-identity.ts'
import { startEmbeddedServer } from './server.ts'
import type { ServerAddress } from '../session/server-address.ts'

async function ask(address: ServerAddress, sql: string): Promise<unknown> {
  const client = new pg.Client({ ...address, database: 'postgres' } as pg.ClientConfig)
  try {
    await client.connect()
    const { rows } = await client.query<{ answer: unknown }>(sql)
    return rows[0]?.answer
  } finally {
    await client.end()
  }
}

test('an embedded server answers on its socket and on loopback, and stopping it leaves nothing', async () => {
  const server = await startEmbeddedServer({ settings: { work_mem: '5MB' } })
  const { directory, pid, watchdogPid } = server
  expect(await ask(server.address, 'SELECT inet_server_addr() AS answer')).toBe(null)
  expect(await ask(server.tcpAddress, 'SELECT host(inet_server_addr()) AS answer')).toBe(
    '127.0.0.1',
  )
  expect(await ask(server.address, `SELECT current_setting('work_mem') AS answer`)).toBe('5MB')
  expect(await ask(server.address, `SELECT current_setting('fsync') AS answer`)).toBe('off')
  await server.stop()
  await server.stop()
  expect(await server.exited).toMatchObject({ code: 0, signal: null, expected: true })
  expect(existsSync(directory)).toBe(false)
  expect(await identifyProcess(pid)).toBe(null)
  expect(await identifyProcess(watchdogPid ?? 0)).toBe(null)
}, 60_000)
