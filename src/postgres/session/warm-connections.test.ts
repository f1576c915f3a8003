/** A connection that is lent again carries nothing: neither on the server nor in the driver's own client. */

import type { ClientBase } from 'pg'
import { expect, test } from 'vitest'
import { startEmbeddedServer } from '../server/server.ts'
import { RecordedPool } from './recorded-pool.ts'
import { WarmConnections, type Lease } from './warm-connections.ts'

const inventory = `SELECT pg_backend_pid() AS pid, current_setting('role') AS role,
  coalesce(current_setting('app.tenant', true), '') AS tenant,
  (SELECT count(*) FROM pg_prepared_statements) + (SELECT count(*) FROM pg_cursors)
    + (SELECT count(*) FROM pg_listening_channels())
    + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')
    + (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()) AS things`

test('what was lent, used in every way and given back is lent again without anything of it', async () => {
  await using server = await startEmbeddedServer()
  await using warm = new WarmConnections()
  const poolOf = ({ Client }: Lease) =>
    new RecordedPool({ address: server.address, database: 'postgres', max: 1, Client })
  const lend = async (lease: Lease, use: (pool: RecordedPool) => Promise<void>) => {
    const pool = poolOf(lease)
    await use(pool)
    lease.over()
    await pool[Symbol.asyncDispose]()
    await lease.ended()
  }
  const pids: unknown[] = []
  let late: ClientBase | undefined
  const first = warm.lease()
  await lend(first, async ({ pool }) => {
    const client = await pool.connect()
    Object.assign(client, { tenant: 'acme' })
    await client.query({ name: 'named', text: 'SELECT 1' })
    for (const sql of [
      `SET app.tenant = 'acme'`,
      'SET ROLE pg_monitor',
      'LISTEN acme',
      'SELECT pg_advisory_lock(7)',
      'CREATE TEMP TABLE acme (id int)',
      'BEGIN',
      'DECLARE c CURSOR FOR SELECT 1',
    ])
      await client.query(sql)
    pids.push((await client.query<{ pid: string }>(inventory)).rows[0]?.pid)
    late = client
    client.release()
  })
  const second = warm.lease()
  await lend(second, async ({ pool }) => {
    const client = await pool.connect()
    expect(client).not.toHaveProperty('tenant')
    const { rows } = await client.query<{ pid: string }>(inventory)
    pids.push(rows[0]?.pid)
    expect(rows).toEqual([{ pid: pids[0], role: 'none', tenant: '', things: '0' }])
    await expect(late?.query('SELECT 1')).rejects.toThrow('not queryable')
    // The driver must not believe that its statement is still there.
    await client.query({ name: 'named', text: 'SELECT 2' })
    client.release()
  })
  expect([first.isWarm(), second.isWarm()]).toEqual([false, true])
  const third = warm.lease({ isFresh: true })
  await lend(third, async ({ pool }) => {
    const { rows } = await pool.query<{ pid: string }>(inventory)
    expect(pids).not.toContain(rows[0]?.pid)
  })
  expect(third.isWarm()).toBe(false)
}, 60_000)

test('a connection that was cut while it was lent is not lent again', async () => {
  await using server = await startEmbeddedServer()
  await using warm = new WarmConnections()
  const use = async (sql: string) => {
    const lease = warm.lease()
    const pool = new RecordedPool({
      address: server.address,
      database: 'postgres',
      max: 1,
      Client: lease.Client,
    })
    await pool.pool.query(sql).catch(() => undefined)
    lease.over()
    await pool[Symbol.asyncDispose]()
    await lease.ended()
    return lease.isWarm()
  }
  expect(await use('SELECT 1')).toBe(false)
  expect(await use('SELECT pg_terminate_backend(pg_backend_pid())')).toBe(true)
  expect(await use('SELECT 1')).toBe(false)
}, 60_000)

test('a name is lent again where it could be emptied, and never to whoever wants what nobody used', async () => {
  await using warm = new WarmConnections()
  const lend = async ({ isFresh = false, empty = () => Promise.resolve(true) } = {}) => {
    const lease = warm.lease({ isFresh })
    const taken = lease.take('a pooler')
    lease.offer({ kind: 'a pooler', name: taken ?? 'its name', empty })
    await lease.ended()
    return [taken, lease.isWarm()]
  }
  expect(await lend()).toEqual([undefined, false])
  expect(await lend({ isFresh: true })).toEqual([undefined, false])
  expect(warm.lease().take('another pooler')).toBeUndefined()
  expect(await lend()).toEqual(['its name', true])
  expect(await lend({ empty: () => Promise.resolve(false) })).toEqual(['its name', true])
  expect(await lend({ empty: () => Promise.reject(new Error('gone')) })).toEqual([undefined, false])
  expect(await lend({ empty: () => new Promise(() => undefined) })).toEqual([undefined, false])
  expect(await lend()).toEqual([undefined, false])
})
