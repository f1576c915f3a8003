/** Other users of the machine can reach the loopback port, so nothing but the password may let them in. */

import pg from 'pg'
import { expect, test } from 'vitest'
import { sqlstateOf } from '../../errors.ts'
import { startEmbeddedServer } from './server.ts'
import type { ServerAddress } from '../session/server-address.ts'

async function logInWith(address: ServerAddress, password: string): Promise<string | null> {
  const client = new pg.Client({ ...address, password, database: 'postgres' } as pg.ClientConfig)
  try {
    await client.connect()
    return 'let in'
  } catch (error) {
    return sqlstateOf(error)
  } finally {
    await client.end()
  }
}

test('a wrong password is refused on the socket and on TCP', async () => {
  await using server = await startEmbeddedServer()
  expect(await logInWith(server.address, 'wrong')).toBe('28P01')
  expect(await logInWith(server.tcpAddress, 'wrong')).toBe('28P01')
  expect(await logInWith(server.address, server.address.password ?? '')).toBe('let in')
  expect(await logInWith(server.tcpAddress, server.address.password ?? '')).toBe('let in')
}, 60_000)
