/** Seeding stands on COPY: any text must arrive as it was, and a copy that breaks off must leave nothing. */

import type { Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { copyRows } from './copy.ts'
import { type EmbeddedServer, startEmbeddedServer } from '../server/server.ts'
import { Session } from './session.ts'

let server: EmbeddedServer
let session: Session

beforeAll(async () => {
  server = await startEmbeddedServer()
  session = await Session.connect({
    address: server.address,
    database: 'postgres',
    pipeline: false,
  })
}, 60_000)

afterAll(async () => {
  await session[Symbol.asyncDispose]()
  await server.stop()
})

beforeEach(async () => {
  await session.query(
    'DROP TABLE IF EXISTS "a ""table"""; CREATE TABLE "a ""table""" ("n o" int PRIMARY KEY, t text)',
  )
})

const relation = '"a ""table"""'
const columns = ['n o', 't']
const stored = async () =>
  (await session.query(`SELECT t FROM ${relation} ORDER BY "n o"`)).map((row) => row['t'])

test('every text arrives as it was, and NULL is not the text \\N', async () => {
  const texts = [
    null,
    '',
    '\\N',
    '\\.',
    '\\',
    '\t',
    '\n',
    '\r',
    '\r\n',
    'a\\tb',
    'o\'brien "net"',
    '\\\\',
    'null',
    'cafe\u0301',
    'caf\u00e9',
    '\u{1f680}',
    '\u202e',
    ' outer ',
    '\b\f\v',
    '\u2028',
    'x'.repeat(100_000),
  ]
  const rows = texts.map((text, n) => [String(n), text])
  expect(await copyRows(session, { relation, columns, rows })).toBe(texts.length)
  expect(await stored()).toEqual(texts)
})

test('no rows are no fault', async () => {
  expect(await copyRows(session, { relation, columns, rows: [] })).toBe(0)
})

test('rows are made as they are sent: neither the copy nor the socket gathers them', async () => {
  const socket = session.client.connection.stream as Socket
  const before = socket.bytesWritten
  let gatheredMax = 0
  const rows = function* () {
    for (let n = 0; n < 200_000; n += 1) {
      const made = n * 200
      gatheredMax = Math.max(
        gatheredMax,
        made - (socket.bytesWritten - before),
        socket.writableLength,
      )
      yield [String(n), 'x'.repeat(200)]
    }
  }
  expect(await copyRows(session, { relation, columns, rows: rows() })).toBe(200_000)
  expect(socket.bytesWritten - before).toBeGreaterThan(40_000_000)
  expect(gatheredMax).toBeLessThan(8_000_000)
}, 30_000)

test('a row that the server refuses ends the copy, stores nothing and leaves the session usable', async () => {
  const rows = function* () {
    for (let n = 0; n < 50_000; n += 1) yield [String(n === 20_000 ? 1 : n), 'x'.repeat(50)]
  }
  await expect(copyRows(session, { relation, columns, rows: rows() })).rejects.toMatchObject({
    code: '23505',
  })
  expect(await stored()).toEqual([])
  expect(await copyRows(session, { relation, columns, rows: [['1', 'again']] })).toBe(1)
}, 20_000)

test('a relation that is not there is an error of the first moment', async () => {
  const copying = copyRows(session, { relation: 'nowhere', columns, rows: [['1', 'x']] })
  await expect(copying).rejects.toMatchObject({ code: '42P01' })
  expect(await stored()).toEqual([])
}, 20_000)

test('rows that break off in the middle are not stored, and the session stays usable', async () => {
  const rows = function* () {
    for (let n = 0; n < 5_000; n += 1) yield [String(n), 'x'.repeat(50)]
    throw new Error('the source dried up')
  }
  await expect(copyRows(session, { relation, columns, rows: rows() })).rejects.toThrow(
    'the source dried up',
  )
  expect(await stored()).toEqual([])
  expect(await copyRows(session, { relation, columns, rows: [['1', 'again']] })).toBe(1)
}, 20_000)

test('a backend that is terminated in the middle is an error, not silence', async () => {
  await using victim = await Session.connect({
    address: server.address,
    database: 'postgres',
    pipeline: false,
  })
  let ended: Promise<unknown> = Promise.resolve()
  const rows = function* () {
    for (let n = 0; n < 2_000_000; n += 1) {
      if (n === 50_000)
        ended = session.query(`SELECT pg_terminate_backend(${String(victim.backendPid)})`)
      yield [String(n), 'x'.repeat(50)]
    }
  }
  await expect(copyRows(victim, { relation, columns, rows: rows() })).rejects.toThrow()
  await ended
  expect(await stored()).toEqual([])
}, 30_000)
