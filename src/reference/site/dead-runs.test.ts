/** A run that was killed leaves its databases to the next one, which drops them: those, and nobody else's. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEmbeddedServer, type EmbeddedServer } from '../../postgres/server/server.ts'
import type { Session } from '../../postgres/session/session.ts'
import { planSeed } from '../seed/plan.ts'
import { databaseName } from './namespace.ts'
import { openSite, type OpenSite } from './open-site.ts'
import { adminSession, cloneDatabase, createWorldDatabase } from './provision.ts'

let server: EmbeddedServer
let admin: Session
beforeAll(async () => {
  server = await startEmbeddedServer()
  admin = await adminSession(server.address, 'postgres')
  // What only looks like ours: by its name, by its comment.
  await admin.query('CREATE DATABASE watertight_0a1b2c3d_of_the_user')
  await admin.query('CREATE DATABASE customers')
  await admin.query(`COMMENT ON DATABASE customers IS 'scratch database of a watertight run'`)
})
afterAll(async () => {
  await admin[Symbol.asyncDispose]()
  await server.stop()
})

const plan = planSeed({ seed: 1, tenants: 2, rows: 1 })
const open = (keep = false): Promise<OpenSite> => {
  const { port, user, password } = server.tcpAddress
  return openSite({
    target: `postgres://${user}:${password}@127.0.0.1:${port}/postgres`,
    plan,
    keep,
  })
}
const world = { service: 'isp', tenancy: 'row-level-security', variant: 'hardened' } as const

async function seeded(site: OpenSite): Promise<readonly string[]> {
  const from = databaseName(site.site.namespace, world)
  await createWorldDatabase(site.site, site.admin, world)
  await cloneDatabase(site.admin, site.site, { from, to: `${from}_copy` })
  site.databases.add(from).add(`${from}_copy`)
  return [from, `${from}_copy`]
}

const there = async () =>
  (await admin.query(`SELECT datname FROM pg_database WHERE NOT datistemplate`)).map(
    ({ datname }) => datname,
  )
/** As a killed process does: its connections end, and nothing is dropped. */
const kill = async ({ admin: own }: OpenSite) => {
  await admin.query(`SELECT pg_terminate_backend(${own.backendPid}, 5000)`)
}
const strangers = ['postgres', 'watertight_0a1b2c3d_of_the_user', 'customers']

test('databases and roles of a killed run go, those of a living and of a kept one stay', async () => {
  const alive = await open()
  const ofAlive = await seeded(alive)
  const kept = await open(true)
  const ofKept = await seeded(kept)
  await kept[Symbol.asyncDispose]()
  const dead = await open()
  const ofDead = await seeded(dead)
  await kill(dead)
  // Somebody looks at one of them: it stays as long.
  const looking = await adminSession(server.address, String(ofDead[1]))
  {
    await using next = await open()
    expect(next.buried).toEqual([ofDead[0]])
    expect(new Set(await there())).toEqual(
      new Set([...strangers, ...ofAlive, ...ofKept, ofDead[1]]),
    )
  }
  await looking[Symbol.asyncDispose]()
  await expect
    .poll(() => admin.query(`SELECT FROM pg_stat_activity WHERE datname = '${ofDead[1]}'`))
    .toEqual([])
  {
    await using next = await open()
    expect(next.buried).toEqual([ofDead[1]])
  }
  expect(new Set(await there())).toEqual(new Set([...strangers, ...ofAlive, ...ofKept]))
  const roles = await admin.query(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'watertight%'`)
  const prefixes = [alive, kept].map(({ site }) => site.namespace.prefix)
  expect(
    roles.filter(({ rolname }) => !prefixes.some((each) => String(rolname).startsWith(each))),
  ).toEqual([])
  await alive[Symbol.asyncDispose]()
  expect(new Set(await there())).toEqual(new Set([...strangers, ...ofKept]))
})
