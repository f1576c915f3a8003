/** Content that is packed is still somebody's, and sealed content is not nobody's. */

import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodingsOf, looksSealed } from './decoded.ts'
import { plantedOwnership } from './planted-marks.ts'
import { planSeed } from '../reference/seed/plan.ts'
import { plantedUuid } from '../reference/seed/planted-uuid.ts'

const seed = 12
const plan = planSeed({ seed, tenants: 20, rows: 100 })
const ownership = plantedOwnership(plan.plannedTenants, { bySchema: false, columns: ['tenant_id'] })

const hex = (text: string) => Buffer.from(text).toString('hex')
const base64 = (text: string) => Buffer.from(text).toString('base64')
/** As encode(.., 'base64') of the server writes it. */
const lines = (text: string) => text.replaceAll(/(.{76})/g, '$1\n')

test.each<[string, (mark: string) => string]>([
  ['base64', base64],
  ['base64 in lines', (mark) => lines(base64(`${'a longer text '.repeat(9)}${mark} and an end`))],
  ['base64 for addresses', (mark) => Buffer.from(`??>>${mark}`).toString('base64url')],
  ['base64 behind a prefix', (mark) => `v1_${base64(`{"name":"${mark}"}`)}`],
  ['base64 in JSON', (mark) => JSON.stringify({ payload: base64(`{"name":"${mark}"}`) })],
  [
    'a token of three parts',
    (mark) => `${base64('{"alg":"none"}')}.${base64(`{"sub":"${mark}"}`)}.x`,
  ],
  ['hex', hex],
  ['upper hex', (mark) => hex(mark).toUpperCase()],
  ['bytea', (mark) => `\\x${hex(`row of ${mark}`)}`],
  [
    'escaped bytea',
    (mark) =>
      `\\000\\001${[...mark].map((c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`).join('')}`,
  ],
  ['UTF-16', (mark) => `\\x${Buffer.from(mark, 'utf16le').toString('hex')}`],
  ['gzip as bytea', (mark) => `\\x${gzipSync(`a text of ${mark}`).toString('hex')}`],
  ['deflate as base64', (mark) => deflateSync(`a text of ${mark}`).toString('base64')],
  ['raw deflate as base64', (mark) => deflateRawSync(`a text of ${mark}`).toString('base64')],
  ['base64 of base64', (mark) => base64(base64(`x ${mark}`))],
  ['reversed', (mark) => [...`of ${mark} and`].reverse().join('')],
  ['upper case', (mark) => mark.toUpperCase()],
  ['percent escapes', (mark) => [...mark].map((c) => `%${hex(c)}`).join('')],
  ['JSON escapes', (mark) => [...mark].map((c) => `\\u00${hex(c)}`).join('')],
  ['HTML escapes', (mark) => [...mark].map((c) => `&#${c.charCodeAt(0)};`).join('')],
  ['JSON in JSON', (mark) => JSON.stringify(JSON.stringify({ a: JSON.stringify([mark]) }))],
  ['an id without hyphens', (mark) => mark.replaceAll('-', '')],
])('a mark is recognised in %s', (_, pack) => {
  for (const tenant of plan.plannedTenants) {
    for (const mark of [
      tenant.watermark,
      plantedUuid({ seed, tag: tenant.tag, table: 'users' }, 7),
    ]) {
      expect(ownership.ownerOfValue(pack(mark))).toBe(tenant.id)
    }
  }
})

test('nothing that nobody planted is recognised, however it is packed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 80 }), (bytes) => {
      for (const encoding of ['hex', 'base64', 'latin1'] as const) {
        expect(ownership.ownerOfValue(Buffer.from(bytes).toString(encoding))).toBe(null)
      }
    }),
    { seed, numRuns: 500 },
  )
})

test('plain values are not decoded', () => {
  for (const text of [
    'Ana Silva',
    '2026-11-30',
    '12.50',
    '3f0c8f6e-1111-4222-8333-444455556666',
    '',
  ]) {
    expect(decodingsOf(text)).toEqual([])
  }
})

test('sealed content is told from texts, digests, ids and compressed texts', () => {
  const key = randomBytes(32)
  const sealed = (text: string) => {
    const cipher = createCipheriv('aes-256-gcm', key, randomBytes(12))
    return Buffer.concat([
      cipher.update(text),
      cipher.final(),
      cipher.getAuthTag(),
      Buffer.from('v'),
    ])
  }
  const content = sealed('the name of a customer and its address')
  for (const text of [`\\x${content.toString('hex')}`, content.toString('base64')]) {
    expect(looksSealed(text)).toBe(true)
  }
  const digest = createHash('sha256').update('x')
  for (const text of [
    digest.copy().digest('hex'),
    digest.copy().digest('base64'),
    '3f0c8f6e-1111-4222-8333-444455556666',
    'a_rather_long_identifier_of_a_reference_table',
    'https://example.org/some/rather/long/path/of/words',
    `\\x${hex('plain text that is stored as bytes')}`,
    gzipSync('plain text '.repeat(30)).toString('base64'),
    'Sales and support in the whole of the north',
  ]) {
    expect(looksSealed(text), text).toBe(false)
  }
})
