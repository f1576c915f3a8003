/** A server that does not start has to say why, or its user can only guess. */

import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { WatertightError } from '../../errors.ts'
import { startEmbeddedServer } from './server.ts'

/** A cache of its own: other suites start servers at the same time. */
const cache = join(tmpdir(), `watertight-start-failure-${process.pid}`)
process.env['WATERTIGHT_CACHE_DIR'] = cache

afterAll(async () => {
  await rm(cache, { recursive: true, force: true })
})

async function failureWith(
  options: Parameters<typeof startEmbeddedServer>[0],
): Promise<WatertightError> {
  const outcome = await startEmbeddedServer(options).catch((error: unknown) => error)
  if (outcome instanceof WatertightError) return outcome
  throw new Error('it did not fail as it should', { cause: outcome })
}

test('a failed start carries the last lines of the server log and leaves no directory', async () => {
  await using witness = await startEmbeddedServer()
  const before = await readdir(dirname(witness.directory))
  const error = await failureWith({ settings: { shared_buffers: 'nonsense' } })
  expect(error.code).toBe('WATERTIGHT_SERVER_FAILED')
  expect(error.message).toContain('invalid value for parameter "shared_buffers": "nonsense"')
  expect(error.message).toContain('exit code 1')
  expect(before.filter((name) => name === witness.directory.split('/').pop())).toHaveLength(1)
  const after = await readdir(dirname(witness.directory))
  expect(after.filter((name) => !before.includes(name))).toEqual([])
}, 60_000)

test('a start that takes longer than its limit is given up', async () => {
  const error = await failureWith({ startTimeoutMs: 1 })
  expect(error.code).toBe('WATERTIGHT_SERVER_FAILED')
  // It was given up, it did not fail: the reason is the limit, and the server says nothing bad of itself.
  expect(error.message).toMatch(
    /did not start: (?:.*timeout|.*timed out|connect ENOENT|.*starting up)/i,
  )
  expect(error.message).not.toMatch(/FATAL|invalid value|exit code/)
}, 60_000)

test.each([
  ['port', '1'],
  ['Listen_Addresses', '*'],
  ['bad name', 'x'],
  ["x'y", 'x'],
  ['work_mem', "1MB'\nport = 1"],
])(
  'the setting %s = %j is refused before anything starts',
  async (name, value) => {
    expect((await failureWith({ settings: { [name]: value } })).code).toBe('WATERTIGHT_BAD_SETTING')
  },
  60_000,
)

test('a version that is not installed is refused', async () => {
  expect((await failureWith({ version: '1' })).code).toBe('WATERTIGHT_NO_BINARIES')
}, 60_000)
