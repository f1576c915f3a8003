/** A login that cannot be used ends at once with 2, says why, and leaves no connection; settings blind nobody. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEmbeddedServer, type EmbeddedServer } from '../../postgres/server/server.ts'
import type { Session } from '../../postgres/session/session.ts'
import { planSeed } from '../seed/plan.ts'
import { openSite } from './open-site.ts'
import { adminSession } from './provision.ts'

let server: EmbeddedServer
let admin: Session
beforeAll(async () => {
  server = await startEmbeddedServer()
  admin = await adminSession(server.address, 'postgres')
  for (const sql of [
    `CREATE ROLE plain LOGIN PASSWORD 'x'`,
    `CREATE ROLE expired LOGIN SUPERUSER PASSWORD 'x' VALID UNTIL '2001-01-01'`,
    `CREATE ROLE nologin NOLOGIN SUPERUSER PASSWORD 'x'`,
    `CREATE ROLE crowded LOGIN PASSWORD 'x' CONNECTION LIMIT 0`,
    `CREATE ROLE preloading LOGIN SUPERUSER PASSWORD 'x'`,
    `ALTER ROLE preloading SET session_preload_libraries = 'no_such_library'`,
    `CREATE ROLE odd LOGIN SUPERUSER PASSWORD 'x'`,
    `ALTER ROLE odd SET role = 'pg_monitor'`,
    `ALTER ROLE odd SET statement_timeout = '1ms'`,
    `ALTER ROLE odd SET default_transaction_read_only = on`,
    `ALTER ROLE odd SET row_security = off`,
    `ALTER ROLE odd SET idle_session_timeout = '500ms'`,
    `ALTER ROLE odd SET default_transaction_isolation = 'serializable'`,
    `CREATE DATABASE closed`,
    `REVOKE CONNECT ON DATABASE closed FROM PUBLIC`,
  ])
    await admin.query(sql)
})
afterAll(async () => {
  await admin[Symbol.asyncDispose]()
  await server.stop()
})

const plan = planSeed({ seed: 1, tenants: 2, rows: 1 })
const dsn = (user: string, database = 'postgres') =>
  `postgres://${user}:x@127.0.0.1:${server.tcpAddress.port}/${database}`

test.each([
  ['plain', 'postgres', 'WATERTIGHT_RIGHTS', /no superuser/],
  ['plain', 'closed', 'WATERTIGHT_LOGIN_REFUSED', /permission denied for database/],
  ['expired', 'postgres', 'WATERTIGHT_LOGIN_REFUSED', /password authentication failed/],
  ['nologin', 'postgres', 'WATERTIGHT_LOGIN_REFUSED', /not permitted to log in/],
  ['crowded', 'postgres', 'WATERTIGHT_LOGIN_REFUSED', /too many connections for role/],
  ['preloading', 'postgres', 'WATERTIGHT_LOGIN_REFUSED', /no_such_library/],
])(
  '%s on %s is refused with %s, and its connection is closed',
  async (user, database, code, message) => {
    const opening = openSite({ target: dsn(user, database), plan, keep: false })
    await expect(opening).rejects.toMatchObject({
      code,
      exitCode: 2,
      message: expect.stringMatching(message),
    })
    await expect
      .poll(() => admin.query(`SELECT 1 FROM pg_stat_activity WHERE usename = '${user}'`), {
        timeout: 5_000,
      })
      .toEqual([])
  },
)

test('what is set for the login does not make the administrator see or do less', async () => {
  const address = { ...server.tcpAddress, user: 'odd', password: 'x' }
  await using session = await adminSession(address, 'postgres')
  const [row] =
    await session.query(`SELECT current_user AS who, current_setting('is_superuser') AS superuser,
    current_setting('row_security') AS row_security, current_setting('idle_session_timeout') AS idle,
    current_setting('transaction_isolation') AS isolation, pg_sleep(0.02)`)
  // Longer than the login may idle.
  await new Promise((resolve) => setTimeout(resolve, 900))
  expect(row).toMatchObject({
    who: 'odd',
    superuser: 'on',
    row_security: 'on',
    idle: '0',
    isolation: 'read committed',
  })
  await session.query('CREATE TABLE made_by_odd (id int); DROP TABLE made_by_odd')
})
