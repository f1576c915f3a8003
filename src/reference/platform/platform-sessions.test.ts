import { expect, test } from 'vitest'
import { startEmbeddedServer } from '../../postgres/server/server.ts'
import { Session } from '../../postgres/session/session.ts'
import { openPlatform } from './platform-sessions.ts'
import { platformTarget } from './platform-target.ts'

test('databases made by hand lose the right to make temporary tables; a dry run changes nothing', async () => {
  await using server = await startEmbeddedServer()
  await using admin = await Session.connect({
    address: server.address,
    database: 'postgres',
    pipeline: false,
  })
  const target = {
    ...platformTarget({ target: 'postgres://somebody@localhost' }),
    address: server.address,
  }
  const names = Object.values(target.databases)
  for (const name of names) await admin.query(`CREATE DATABASE ${name}`)
  const open = async () =>
    (
      await admin.query(`SELECT datname AS name FROM pg_database
      WHERE datname IN ('${names.join("', '")}') AND has_database_privilege('public', oid, 'TEMPORARY')`)
    ).length
  await (await openPlatform(target, { migrated: false }))[Symbol.asyncDispose]()
  expect(await open()).toBe(2)
  await (await openPlatform(target, { create: true, migrated: false }))[Symbol.asyncDispose]()
  expect(await open()).toBe(0)
}, 60_000)
