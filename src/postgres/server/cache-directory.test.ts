/** We execute what lies in the cache, so a directory somebody else could fill must never be used. */

import { chmod, chown, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cacheDirectory } from './cache-directory.ts'
import { unprivilegedUser } from './run-as.ts'

const runAs = await unprivilegedUser()
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watertight-'))
  await chmod(folder, 0o755)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

async function codeFor(path: string): Promise<unknown> {
  vi.stubEnv('WATERTIGHT_CACHE_DIR', path)
  return await cacheDirectory(runAs).then(
    () => 'accepted',
    (error: unknown) => (error as { code: unknown }).code,
  )
}

test('a missing directory is made, closed to others except that root lets its server user pass', async () => {
  const path = join(folder, 'a', 'b')
  expect(await codeFor(path)).toBe('accepted')
  expect((await stat(path)).mode & 0o777).toBe(runAs === null ? 0o700 : 0o711)
  expect(await codeFor(path)).toBe('accepted')
})

test('a directory others may write to, a link and a file are refused', async () => {
  const [open, real, link, file] = ['open', 'real', 'link', 'file'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string]
  await mkdir(open)
  await chmod(open, 0o777)
  await mkdir(real)
  await symlink(real, link)
  await writeFile(file, '')
  expect(await codeFor(open)).toBe('WATERTIGHT_CACHE_UNSAFE')
  expect(await codeFor(link)).toBe('WATERTIGHT_CACHE_UNSAFE')
  expect(await codeFor(file)).toBe('WATERTIGHT_CACHE_UNSAFE')
})

test.skipIf(runAs === null)(
  'root refuses what is foreign or closed to the server user',
  async () => {
    const [foreign, closed] = [join(folder, 'foreign'), join(folder, 'closed')]
    await mkdir(foreign)
    await chown(foreign, 12_345, 12_345)
    expect(await codeFor(foreign)).toBe('WATERTIGHT_CACHE_UNSAFE')
    await mkdir(closed, { mode: 0o700 })
    expect(await codeFor(join(closed, 'cache'))).toBe('WATERTIGHT_CACHE_CLOSED')
  },
)
