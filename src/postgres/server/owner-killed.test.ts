/** However the owner of a server ends, nothing of the server may stay; killed by force it runs no code of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type SourcesAsJavaScript,
  sourcesAsJavaScript,
} from '../../testing/sources-as-javascript.ts'
import { identifyProcess } from './process-identity.ts'
import { startEmbeddedServer } from './server.ts'

interface Owned {
  readonly owner: ChildProcess
  readonly pid: number
  readonly watchdogPid: number
  readonly directory: string
}

let build: SourcesAsJavaScript

/** A cache of its own: a server that another test starts meanwhile would bury the orphans of this one. */
const cache = join(tmpdir(), `watertight-owner-killed-${process.pid}`)

/** The owner has to be a plain node process. */
beforeAll(async () => {
  process.env['WATERTIGHT_CACHE_DIR'] = cache
  build = await sourcesAsJavaScript()
})

afterAll(async () => {
  await build[Symbol.asyncDispose]()
  await rm(cache, { recursive: true, force: true })
})

/** `last` is what the owner does after its server is up. */
async function startOwner(last: string): Promise<Owned> {
  const program = `
    const { startEmbeddedServer } = await import(${JSON.stringify(build.urlOf('postgres/server/server.ts'))})
    const { pid, watchdogPid, directory } = await startEmbeddedServer()
    const text = JSON.stringify({ pid, watchdogPid, directory })
    await new Promise((resolve) => process.stdout.write(text + '\\n', resolve))
    ${last}`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaints = ''
  owner.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const [line] = (await Promise.race([
    once(owner.stdout.setEncoding('utf8'), 'data'),
    once(owner, 'close').then(() => {
      throw new Error(`the owner ended: ${complaints}`)
    }),
  ])) as [string]
  return { owner, ...(JSON.parse(line) as Omit<Owned, 'owner'>) }
}

async function isGone(pid: number): Promise<boolean> {
  return (await identifyProcess(pid)) === null
}

async function expectNothingLeft(owned: Owned): Promise<void> {
  await expect.poll(async () => await isGone(owned.pid), { timeout: 10_000 }).toBe(true)
  await expect.poll(() => existsSync(owned.directory), { timeout: 10_000 }).toBe(false)
  await expect.poll(async () => await isGone(owned.watchdogPid), { timeout: 10_000 }).toBe(true)
}

const STAY = 'setInterval(() => {}, 1000)'

test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
  'an owner ended by %s leaves nothing behind',
  async (signal) => {
    const owned = await startOwner(STAY)
    expect(await isGone(owned.pid)).toBe(false)
    owned.owner.kill(signal)
    await expectNothingLeft(owned)
  },
  60_000,
)

test.each([
  ['simply ends', ''],
  ['calls process.exit', 'process.exit(0)'],
  ['throws', 'throw new Error("as intended")'],
  ...[50, 110, 200].map((ms) => [
    `is killed ${ms} ms after it began to start another server`,
    `void startEmbeddedServer(); setTimeout(() => process.kill(process.pid, "SIGKILL"), ${ms})`,
  ]),
])(
  'an owner that %s leaves nothing behind',
  async (_, last) => {
    const owned = await startOwner(last)
    await expectNothingLeft(owned)
    await expect
      .poll(async () => (await readdir(dirname(owned.directory))).length, { timeout: 15_000 })
      .toBeLessThanOrEqual(await countLiving(dirname(owned.directory)))
  },
  60_000,
)

test('the next start buries a server whose owner and watchdog were both killed, and no other', async () => {
  await using bystander = await startEmbeddedServer()
  const orphan = await startOwner(STAY)
  process.kill(orphan.watchdogPid, 'SIGKILL')
  orphan.owner.kill('SIGKILL')
  await once(orphan.owner, 'exit')
  await pause(300)
  expect(await isGone(orphan.pid)).toBe(false)
  expect(existsSync(orphan.directory)).toBe(true)
  await using next = await startEmbeddedServer()
  await expectNothingLeft(orphan)
  expect(await isGone(bystander.pid)).toBe(false)
  expect(await isGone(next.pid)).toBe(false)
}, 60_000)

test.each([
  ['names nothing of the server', (): string[] => ['/dev/null']],
  [
    'names its directory, but started at another time',
    (home: string): string[] => [join(home, 'server.json')],
  ],
])(
  'a process that has the id of a stale server and %s is left alone',
  async (_, follow) => {
    const orphan = await startOwner(STAY)
    process.kill(orphan.watchdogPid, 'SIGKILL')
    orphan.owner.kill('SIGKILL')
    await once(orphan.owner, 'exit')
    const bystander = spawn('tail', ['-f', ...follow(orphan.directory)], { stdio: 'ignore' })
    const bystanderPid = bystander.pid ?? 0
    const path = join(orphan.directory, 'server.json')
    const record = JSON.parse(await readFile(path, 'utf8')) as {
      process: { pid: number; startTime: string }
    }
    record.process.pid = bystanderPid
    await writeFile(path, JSON.stringify(record))
    try {
      await using next = await startEmbeddedServer()
      expect(next.kind).toBe('embedded')
      expect(await isGone(bystanderPid)).toBe(false)
      // postmaster.pid in the directory still told the truth.
      expect(await isGone(orphan.pid)).toBe(true)
      expect(existsSync(orphan.directory)).toBe(false)
    } finally {
      bystander.kill('SIGKILL')
    }
  },
  60_000,
)

/** Directories of servers whose owner lives: other suites may run at the same time. */
async function countLiving(servers: string): Promise<number> {
  const owners = await Promise.all(
    (await readdir(servers)).map(async (name) => {
      const text = await readFile(join(servers, name, 'server.json'), 'utf8').catch(() => null)
      return text === null
        ? null
        : await identifyProcess((JSON.parse(text) as { owner: { pid: number } }).owner.pid)
    }),
  )
  return owners.filter((owner) => owner !== null).length
}
