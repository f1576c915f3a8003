import { expect, test } from 'vitest'
import { startEmbeddedServer } from '../../postgres/server/server.ts'
import { Session } from '../../postgres/session/session.ts'
import { literal } from '../../sql/identifier.ts'
import { nobodysValue } from './nobodys-value.ts'

const samples: Readonly<Record<string, string>> = {
  uuid: 'b3b1c0de-0000-4000-8000-000000000001',
  smallint: '32767',
  integer: '-4',
  bigint: '9000000000',
  'numeric(12,2)': '17.50',
  'timestamp with time zone': '2024-02-29 23:59:59.999999+00',
  'timestamp without time zone': '2024-12-31 00:00:00',
  'time without time zone': '23:59:59',
  date: '2024-02-28',
  inet: '10.0.0.1',
  cidr: '2001:db8::/32',
  macaddr: '08:00:2b:01:02:03',
  bytea: '\\x00ff',
  text: '',
  'character varying(5)': 'ééééé',
  'character(3)': 'abc',
  'timestamp(3) with time zone': '2024-02-29 23:59:59.5+00',
}

test('of every type the value is another one that the server takes', async () => {
  const server = await startEmbeddedServer({})
  try {
    await using session = await Session.connect({ address: server.address, database: 'postgres' })
    for (const [type, value] of Object.entries(samples)) {
      const other = nobodysValue(value, type)
      if (other === null) throw new Error(`there is none for ${type}`)
      const [row] = await session.query(`SELECT length(${literal(other)}) AS size,
        CAST(${literal(other)} AS ${type}) <> CAST(${literal(value)} AS ${type}) AS differs`)
      expect([type, row?.['differs']]).toEqual([type, 't'])
      const most = /char.*\((\d+)\)/.exec(type)?.[1]
      if (most !== undefined) expect(Number(row?.['size'])).toBeLessThanOrEqual(Number(most))
    }
    expect(['boolean', 'jsonb', 'mood'].map((type) => nobodysValue('t', type))).toEqual([
      null,
      null,
      null,
    ])
  } finally {
    await server.stop()
  }
})
