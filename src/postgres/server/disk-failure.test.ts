/** What goes wrong with the disk is told as that: damage is mended, a full disk is named, nothing is a bug of ours. */

import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { reportFailure } from '../../cli/failure.ts'
import { cacheDirectory } from './cache-directory.ts'
import { cacheEntry } from './cache-entry.ts'
import { onDisk } from './disk-failure.ts'
import { buryStaleServers } from './server-directory.ts'

let cache = ''
let made = 0
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'watertight-'))
  made = 0
})
afterEach(async () => {
  delete process.env['WATERTIGHT_CACHE_DIR']
  await rm(cache, { recursive: true })
})

const entry = () =>
  cacheEntry({ cache, name: 'thing', access: 0o700, checksum: true }, async (directory) => {
    made += 1
    await mkdir(join(directory, 'bin'))
    await writeFile(join(directory, 'bin', 'program'), Buffer.alloc(100_000, 'program'))
  })

async function flipByte(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Buffer.from('X'), 0, 1, 54_321)
  await file.close()
}

test.each<[string, (path: string) => Promise<unknown>]>([
  ['one flipped byte of a program', (path) => flipByte(join(path, 'bin', 'program'))],
  ['an empty manifest', (path) => writeFile(join(path, 'complete.json'), '')],
  ['a manifest cut off', (path) => writeFile(join(path, 'complete.json'), '{"files":1')],
  ['a manifest of nothing', (path) => writeFile(join(path, 'complete.json'), 'null')],
  [
    'a plain file in its place',
    async (path) => {
      await rm(path, { recursive: true })
      await writeFile(path, 'not a directory')
    },
  ],
  [
    'a plain file in place of a directory inside',
    async (path) => {
      await rm(join(path, 'bin'), { recursive: true })
      await writeFile(join(path, 'bin'), Buffer.alloc(100_000, 'program'))
    },
  ],
])('an entry with %s is made anew', async (_, damage) => {
  const path = await entry()
  await damage(path)
  await entry()
  expect(made).toBe(2)
  await entry()
  expect(made).toBe(2)
  expect(await readdir(cache)).toEqual(['thing'])
})

test('what is left in the directory of servers by a full disk stops no start', async () => {
  await mkdir(join(cache, 'servers', 'cut-off'), { recursive: true })
  await writeFile(join(cache, 'servers', 'cut-off', 'server.json'), '')
  await writeFile(join(cache, 'servers', 'a-file'), '')
  await buryStaleServers(cache)
  expect(await readdir(join(cache, 'servers'))).toHaveLength(2)
})

test.skipIf(process.platform !== 'linux')(
  'a disk that is full, and a place that takes nothing, are named with exit code 2',
  async () => {
    const full = () => writeFile('/dev/full', 'x', { flag: 'r+' })
    await expect(onDisk(cache, full)).rejects.toMatchObject({
      code: 'WATERTIGHT_CACHE_FAILED',
      exitCode: 2,
      message: expect.stringMatching(/cannot be used: ENOSPC/),
    })
    const error: unknown = await full().catch((failure: unknown) => failure)
    expect(reportFailure(error)).toBe(2)
    process.env['WATERTIGHT_CACHE_DIR'] = '/proc/watertight/cache'
    await expect(cacheDirectory(null)).rejects.toMatchObject({ code: 'WATERTIGHT_CACHE_FAILED' })
  },
)

test('a mistake of ours stays one', async () => {
  const mistake = onDisk(cache, () => Promise.reject(new TypeError('x is not a function')))
  await expect(mistake).rejects.toThrow(TypeError)
})
