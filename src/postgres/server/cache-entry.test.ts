/** Cleaners of /tmp delete single files, and runs race: an entry must be whole whenever it is used. */

import { mkdtemp, readdir, readFile, rm, utimes, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cacheEntry, removeUnfinished } from './cache-entry.ts'

let cache = ''
let made = 0

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'watertight-'))
  made = 0
})
afterEach(async () => {
  await rm(cache, { recursive: true })
})

async function entry(trustMs = 0): Promise<string> {
  return await cacheEntry({ cache, name: 'thing', access: 0o700, trustMs }, async (directory) => {
    made += 1
    await writeFile(join(directory, 'one'), 'first')
    await pause(20)
    await writeFile(join(directory, 'two'), 'second')
  })
}

test('an entry is made once, and again after it lost a file or bytes', async () => {
  const path = await entry()
  await entry()
  expect(made).toBe(1)
  await rm(join(path, 'one'))
  await entry()
  expect(made).toBe(2)
  await writeFile(join(path, 'two'), 'sec')
  await entry()
  expect(made).toBe(3)
  expect(await readFile(join(path, 'two'), 'utf8')).toBe('second')
  expect(await readdir(cache)).toEqual(['thing'])
})

test('what was found whole is not counted again while it is trusted, unless it is gone', async () => {
  await entry()
  const path = await entry(60_000)
  await rm(join(path, 'one'))
  await entry(60_000)
  expect(made).toBe(1)
  await rm(path, { recursive: true })
  await entry(60_000)
  expect(made).toBe(2)
  await rm(join(path, 'one'))
  await entry()
  expect(made).toBe(3)
})

test('runs that race all get a whole entry', async () => {
  const paths = await Promise.all(Array.from({ length: 8 }, () => entry()))
  expect(made).toBe(8)
  expect(new Set(paths).size).toBe(1)
  expect((await readdir(join(cache, 'thing'))).sort()).toEqual(['complete.json', 'one', 'two'])
  expect(await readdir(cache)).toEqual(['thing'])
})

test('an entry whose making fails is not there, and drafts of killed runs go after an hour', async () => {
  const failing = cacheEntry({ cache, name: 'thing', access: 0o700 }, async () => {
    await Promise.reject(new Error('as intended'))
  })
  await expect(failing).rejects.toThrow('as intended')
  expect(await readdir(cache)).toEqual([])
  const [old, young] = [join(cache, '.unfinished-old'), join(cache, '.unfinished-young')]
  await mkdir(old)
  await mkdir(young)
  await utimes(old, new Date(0), new Date(0))
  await removeUnfinished(cache)
  expect(await readdir(cache)).toEqual(['.unfinished-young'])
})
