/** Attempts share messages; each is a transaction of its own all the same, and the last one leaves none open. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Attempt, Statement } from '../../model/observation.ts'
import { startEmbeddedServer, type EmbeddedServer } from '../server/server.ts'
import { Session } from './session.ts'

let server: EmbeddedServer
let session: Session
let watcher: Session

beforeAll(async () => {
  server = await startEmbeddedServer()
  const options = { address: server.address, database: 'postgres' }
  session = await Session.connect(options)
  watcher = await Session.connect(options)
  await watcher.query('CREATE TABLE kept (id int)')
}, 60_000)

afterAll(async () => {
  await session[Symbol.asyncDispose]()
  await watcher[Symbol.asyncDispose]()
  await server.stop()
})

const attack = (sql: string): Statement => ({ sql, role: 'attack' })
const lastOf = ({ steps }: Attempt) => steps.at(-1)?.observation

async function stateOfSession(): Promise<unknown> {
  const [row] = await watcher.query(
    `SELECT state FROM pg_stat_activity WHERE pid = ${session.backendPid ?? 0}`,
  )
  return row?.['state']
}

test('what one attempt wrote, set or broke is nothing to those sent with it', async () => {
  const seen = await Promise.all([
    session.attempt([
      { sql: `SET LOCAL app.tenant = 'acme'`, role: 'context' },
      attack('INSERT INTO kept VALUES (1)'),
    ]),
    session.attempt([attack('SELECT 1 / 0')]),
    session.attempt([
      attack(`SELECT count(*) AS n, current_setting('app.tenant', true) AS tenant FROM kept`),
    ]),
    session.attempt([{ sql: 'SET LOCAL nonsense = 1', role: 'context' }, attack('SELECT 1')]),
  ])
  expect(lastOf(seen[0])).toMatchObject({ kind: 'rows', affected: 1 })
  expect(lastOf(seen[1])).toMatchObject({ kind: 'indeterminate', sqlstate: '22012' })
  expect(lastOf(seen[2])).toMatchObject({ kind: 'rows', rows: [{ n: '0', tenant: '' }] })
  // Its own BEGIN is told with the context that failed, the end of the one before is not.
  expect(seen[3].steps.map(({ sql }) => sql)).toEqual(['BEGIN', 'SET LOCAL nonsense = 1'])
  expect(await watcher.query('SELECT count(*) AS n FROM kept')).toEqual([{ n: '0' }])
})

test('behind the last attempt no transaction is open, and what is asked next is outside of it', async () => {
  await session.attempt([attack('INSERT INTO kept VALUES (2)')])
  await expect.poll(stateOfSession).toBe('idle')
  const [, rows] = await Promise.all([
    session.attempt([attack('INSERT INTO kept VALUES (3)')]),
    session.query('SELECT count(*) AS n FROM kept'),
  ])
  expect(rows).toEqual([{ n: '0' }])
  await expect.poll(stateOfSession).toBe('idle')
})

test('COPY waits for its data, between attempts that do not', async () => {
  const copy: Statement = { sql: 'COPY kept FROM STDIN', role: 'attack', copyData: '7\n' }
  const [before, copied, after] = await Promise.all([
    session.attempt([attack('INSERT INTO kept VALUES (4)')]),
    session.attempt([copy, attack('SELECT count(*) AS n FROM kept')]),
    session.attempt([attack('SELECT count(*) AS n FROM kept')]),
  ])
  expect(lastOf(before)).toMatchObject({ affected: 1 })
  expect(lastOf(copied)).toMatchObject({ rows: [{ n: '1' }] })
  expect(lastOf(after)).toMatchObject({ rows: [{ n: '0' }] })
  await expect.poll(stateOfSession).toBe('idle')
})
