/** Transaction pooling has to be real: two logins that never share a backend prove nothing about leaks. */

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { findPgbouncer, startPgbouncer } from './pgbouncer.ts'
import { type EmbeddedServer, startEmbeddedServer } from '../server/server.ts'
import type { ServerAddress } from '../session/server-address.ts'

const binary = await findPgbouncer()
const users = [
  { name: 'app "one"', password: `p'1"\\x` },
  { name: 'app2', password: 'p2' },
] as const
const database = `it's "here"`

async function connect(
  address: ServerAddress,
  user: { name: string; password: string },
): Promise<pg.Client> {
  const { host, port } = address
  const client = new pg.Client({
    host,
    port,
    user: user.name,
    password: user.password,
    database,
    ssl: false,
  })
  await client.connect()
  return client
}

async function ask(client: pg.Client, sql: string): Promise<unknown> {
  return (await client.query<{ answer: unknown }>(sql)).rows[0]?.answer
}

async function backendOf(client: pg.Client): Promise<unknown> {
  return await ask(client, 'SELECT pg_backend_pid() AS answer')
}

async function prepare(server: EmbeddedServer): Promise<void> {
  const admin = new pg.Client({ ...server.address, database: 'postgres' } as pg.ClientConfig)
  await admin.connect()
  for (const { name, password } of users) {
    await admin.query(
      `CREATE ROLE ${pg.escapeIdentifier(name)} LOGIN PASSWORD ${pg.escapeLiteral(password)}`,
    )
  }
  await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`)
  await admin.end()
}

const ABSENT = 'pgbouncer is not installed (apt-get install pgbouncer)'

test.for(['address', 'tcpAddress'] as const)(
  'in transaction mode two clients share one backend (%s)',
  { timeout: 60_000 },
  async (which, context) => {
    if (binary === null) return context.skip(ABSENT)
    await using server = await startEmbeddedServer()
    await prepare(server)
    await using pooler = await startPgbouncer({
      binary,
      server: server[which],
      database,
      users,
      poolMode: 'transaction',
      poolSize: 1,
    })
    const first = await connect(pooler.address, users[0])
    const second = await connect(pooler.address, users[0])
    const other = await connect(pooler.address, users[1])
    const pids = await Promise.all([first, second, other].map(backendOf))
    expect(pids[0]).toBe(pids[1])
    expect(pids[0]).not.toBe(pids[2])
    // What transaction pooling is feared for: a session's setting reaches the next client.
    await first.query(`SELECT set_config('app.tenant', 'acme', false)`)
    expect(await ask(second, `SELECT current_setting('app.tenant', true) AS answer`)).toBe('acme')
    await Promise.all([first.end(), second.end(), other.end()])
    await pooler.stop()
    expect(await pooler.exited).toMatchObject({ expected: true })
  },
)

test('in session mode two clients with one backend do not share it at a time', async (context) => {
  if (binary === null) return context.skip(ABSENT)
  await using server = await startEmbeddedServer()
  await prepare(server)
  await using pooler = await startPgbouncer({
    binary,
    server: server.address,
    database,
    users,
    poolMode: 'session',
    poolSize: 2,
  })
  const [first, second] = [
    await connect(pooler.address, users[0]),
    await connect(pooler.address, users[0]),
  ]
  const pids = await Promise.all([first, second].map(backendOf))
  expect(pids[0]).not.toBe(pids[1])
  await Promise.all([first.end(), second.end()])
}, 60_000)

test('a wrong password is refused, and a pooler that cannot reach the server says why', async (context) => {
  if (binary === null) return context.skip(ABSENT)
  await using server = await startEmbeddedServer()
  await prepare(server)
  const options = {
    binary,
    server: server.address,
    database,
    poolMode: 'transaction',
    poolSize: 1,
  } as const
  await using pooler = await startPgbouncer({ ...options, users })
  await expect(connect(pooler.address, { ...users[1], password: 'wrong' })).rejects.toThrow()
  const wrong = [{ name: 'app2', password: 'not the password of the server' }] as const
  await expect(startPgbouncer({ ...options, users: wrong })).rejects.toThrow(
    expect.objectContaining({
      code: 'WATERTIGHT_PGBOUNCER_FAILED',
      message: expect.stringContaining('app2') as string,
    }),
  )
}, 60_000)

test('what is named as pgbouncer and is none is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'watertight-'))
  const impostor = join(folder, 'pgbouncer')
  await writeFile(impostor, '#!/bin/sh\necho hello\n')
  await chmod(impostor, 0o755)
  try {
    await expect(findPgbouncer(impostor)).rejects.toThrow(
      expect.objectContaining({ code: 'WATERTIGHT_NO_PGBOUNCER' }),
    )
    await expect(findPgbouncer(join(folder, 'absent'))).rejects.toThrow(
      /absent is not a usable pgbouncer/,
    )
  } finally {
    await rm(folder, { recursive: true })
  }
})
