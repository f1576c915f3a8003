/** Two runs on one machine must not meet: not in ports, not in files, not in passwords. */

import { existsSync } from 'node:fs'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startEmbeddedServer } from './server.ts'

test('two servers started at the same moment live side by side and stop independently', async () => {
  const [first, second] = await Promise.all([startEmbeddedServer(), startEmbeddedServer()])
  try {
    expect(first.label).not.toBe(second.label)
    expect(first.address.password).not.toBe(second.address.password)
    await first.stop()
    expect(existsSync(first.directory)).toBe(false)
    const client = new pg.Client({ ...second.address, database: 'postgres' } as pg.ClientConfig)
    await client.connect()
    const { rows } = await client.query('SELECT current_setting($1) AS directory', [
      'data_directory',
    ])
    await client.end()
    expect(rows).toEqual([{ directory: `${second.directory}/data` }])
  } finally {
    await first.stop()
    await second.stop()
  }
}, 60_000)
