/** A server that stands still is found out between two stages, also when a connection to it is still open. */

import { expect, test } from 'vitest'
import { startEmbeddedServer } from '../postgres/server/server.ts'
import { readEnvironment } from './store/environment.ts'
import { planSeed } from '../reference/seed/plan.ts'
import { openSite } from '../reference/site/open-site.ts'

const plan = planSeed({ seed: 1, tenants: 2, rows: 1 })

test('what does not answer has died for the run; what is full has not', async () => {
  await using server = await startEmbeddedServer()
  const { user, password, port } = server.tcpAddress
  const target = `postgres://${user}:${password}@127.0.0.1:${port}/postgres`
  await using open = await openSite({ target, plan, keep: false })
  await open.look()
  expect(open.died()).toBeNull()
  await open.admin.query('ALTER DATABASE postgres CONNECTION LIMIT 0')
  await open.look()
  expect(open.died()).toBeNull()
  process.kill(server.pid, 'SIGSTOP')
  try {
    await open.look()
    expect(open.died()).toMatch(/^the server does not answer any more: .*timeout/)
  } finally {
    process.kill(server.pid, 'SIGCONT')
  }
})

test('the report of a run whose server goes away at the end lacks its settings, nothing else', async () => {
  await using server = await startEmbeddedServer()
  const { user, password, port } = server.tcpAddress
  const target = `postgres://${user}:${password}@127.0.0.1:${port}/postgres`
  const open = await openSite({ target, plan, keep: false })
  expect(await readEnvironment(open.admin, '18')).toMatchObject({
    serverSettings: { fsync: expect.any(String) },
  })
  await server.crash()
  expect(await readEnvironment(open.admin, '18')).toMatchObject({ serverSettings: {} })
  await open[Symbol.asyncDispose]()
})
