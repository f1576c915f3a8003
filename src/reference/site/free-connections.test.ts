/** A server without room for a run refuses it at once, and says how much room is missing. */

import { expect, test } from 'vitest'
import { startEmbeddedServer } from '../../postgres/server/server.ts'
import { Session } from '../../postgres/session/session.ts'
import { planSeed } from '../seed/plan.ts'
import { openSite } from './open-site.ts'

const plan = planSeed({ seed: 1, tenants: 2, rows: 1 })

test.each([
  ['few connections at all', { max_connections: '10' }, 0, 1],
  ['many that are reserved', { max_connections: '80', superuser_reserved_connections: '40' }, 0, 1],
  ['others that use them', { max_connections: '70' }, 8, 1],
  ['too few for as many threads', { max_connections: '70' }, 0, 2],
  ['room', { max_connections: '70' }, 0, null],
])('a server with %s', async (_, settings, others, workers) => {
  await using server = await startEmbeddedServer({ settings })
  const { address, tcpAddress } = server
  const held = await Promise.all(
    Array.from({ length: others }, () => Session.connect({ address, database: 'postgres' })),
  )
  const { user, password, port } = tcpAddress
  const opening = openSite({
    target: `postgres://${user}:${password}@127.0.0.1:${port}/postgres`,
    plan,
    keep: false,
    workers: workers ?? 1,
  })
  if (workers === null) await (await opening)[Symbol.asyncDispose]()
  else {
    const error: unknown = await opening.catch((failure: unknown) => failure)
    expect(error).toMatchObject({ code: 'WATERTIGHT_CONNECTIONS', exitCode: 2 })
    expect(error).toMatchObject({
      message: expect.stringMatching(/\d+ connections to spare .* are needed/),
    })
  }
  for (const session of held) await session[Symbol.asyncDispose]()
})
