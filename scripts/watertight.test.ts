/** The command starts from a fresh clone, from a stale build and from an installed package. */

import { execFile, spawn } from 'node:child_process'
import {
  appendFile,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { packageRoot } from '../src/registry.ts'

const built = 'building watertight (first run or sources changed)…\n'
const mainPath = join('src', 'cli', 'main.ts')
const nobody = 65534

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

test('the first start builds, the second writes nothing', async () => {
  const root = await checkout('sources')
  expect(await start(root, ['run', '--quick'])).toEqual({
    code: 3,
    stdout: 'run --quick\n',
    stderr: built,
  })
  const before = await stat(join(root, 'dist', '.stamp'))
  expect(await start(root, ['run'])).toEqual({ code: 3, stdout: 'run\n', stderr: '' })
  expect((await stat(join(root, 'dist', '.stamp'))).mtimeMs).toBe(before.mtimeMs)
})

test('a changed source is built again, a changed test is not', async () => {
  const root = await checkout('built')
  await writeFile(join(root, 'src', 'cli', 'main.test.ts'), 'export const a = 1\n')
  expect((await start(root, [])).stderr).toBe('')
  await writeFile(join(root, mainPath), 'export const main = async (): Promise<number> => 4\n')
  expect(await start(root, [])).toEqual({ code: 4, stdout: '', stderr: built })
})

test('three processes that start at the same time all work, and leave one build', async () => {
  const root = await checkout('sources')
  const ended = await Promise.all(['a', 'b', 'c'].map((name) => start(root, [name])))
  expect(ended.map(({ code, stdout }) => `${code} ${stdout}`)).toEqual(['3 a\n', '3 b\n', '3 c\n'])
  expect(ended.filter(({ stderr }) => stderr === built)).toHaveLength(1)
  expect((await readdir(root)).filter((name) => name.startsWith('dist'))).toEqual(['dist'])
})

test('the lock of a dead process does not hold anybody up', async () => {
  const root = await checkout('sources')
  const dead = await start(root, [], { script: join('scripts', 'pid.mjs') })
  await writeFile(join(root, 'dist.lock'), dead.stdout)
  expect((await start(root, [])).code).toBe(3)
})

test('sources that cannot be compiled end with 2 and leave the last build', async () => {
  const root = await checkout('built')
  await appendFile(join(root, mainPath), 'export const = 1\n')
  const { code, stderr } = await start(root, [])
  expect(code).toBe(2)
  expect(stderr).toContain('WATERTIGHT_NOT_BUILT: The sources cannot be compiled\n')
  expect(stderr).toContain('src/cli/main.ts(11,14): error TS1134')
  expect(await readdir(join(root, 'dist'))).toContain('.stamp')
})

// Only root can become somebody who may not write.
test.skipIf(process.getuid?.() !== 0)(
  'a checkout that cannot be written runs while its build is current',
  async () => {
    const root = await checkout('built')
    await chmod(root, 0o755)
    expect(await start(root, ['a'], { uid: nobody })).toEqual({
      code: 3,
      stdout: 'a\n',
      stderr: '',
    })
    await appendFile(join(root, mainPath), '\n')
    const { code, stderr } = await start(root, [], { uid: nobody })
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^WATERTIGHT_NOT_BUILT: The build is older than the sources and .* cannot be written/,
    )
  },
)

test('an installed package has a build and nothing to build it by', async () => {
  const root = await checkout('built')
  for (const name of ['tsconfig.json', 'tsconfig.build.json', mainPath]) await rm(join(root, name))
  expect(await start(root, ['a'])).toEqual({ code: 3, stdout: 'a\n', stderr: '' })
})

test.each(['thrown', 'thrown later', 'rejected and forgotten'])(
  'an error that is %s ends with 70, because 1 would claim a leak',
  async (how) => {
    const ended = await start(await checkout('built'), ['fail', how])
    expect(ended.code).toBe(70)
    expect(ended.stderr).toContain('WATERTIGHT_BUG: Error: oops')
  },
)

/** Says what it was asked, or fails in the way that it is told. */
const program = `export async function main([what, how]: readonly string[]): Promise<number> {
  if (what === 'fail' && how === 'thrown') throw new Error('oops')
  if (what === 'fail') {
    if (how === 'thrown later') setTimeout(() => { throw new Error('oops') }, 1)
    else void Promise.reject(new Error('oops'))
    await new Promise(() => setTimeout(() => {}, 9e4))
  }
  if (what !== undefined) process.stdout.write([what, how ?? ''].join(' ').trim() + '\\n')
  return 3
}
`

/** Compiled once: whoever wants a build gets a copy of it, its times included. */
let compiled: Promise<string> | undefined
afterAll(async () => {
  if (compiled !== undefined) await rm(await compiled, { recursive: true, force: true })
})

async function checkout(state: 'sources' | 'built'): Promise<string> {
  if (state === 'sources') {
    const root = await sources()
    onTestFinished(() => rm(root, { recursive: true, force: true }))
    return root
  }
  compiled ??= sources().then(async (root) => {
    expect((await start(root, [])).code).toBe(3)
    return root
  })
  const root = await mkdtemp(join(tmpdir(), 'watertight-start-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  // Not fs.cp: it cuts times to milliseconds, and a build is current by the exact ones.
  await promisify(execFile)('cp', ['-a', `${await compiled}/.`, root])
  return root
}

/** A small package with the real scripts, configuration and compiler. */
async function sources(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'watertight-start-'))
  const own = [
    'tsconfig.json',
    'tsconfig.build.json',
    join('scripts', 'build.mjs'),
    join('scripts', 'manifest.mjs'),
    join('scripts', 'watertight.mjs'),
  ]
  for (const name of own) await cp(join(packageRoot(), name), join(root, name))
  for (const folder of [join('src', 'cli'), 'suites', 'fixtures'])
    await mkdir(join(root, folder), { recursive: true })
  await symlink(join(packageRoot(), 'node_modules'), join(root, 'node_modules'), 'junction')
  await writeFile(join(root, 'package.json'), '{ "name": "watertight", "type": "module" }\n')
  await writeFile(join(root, 'scripts', 'pid.mjs'), 'process.stdout.write(String(process.pid))\n')
  await writeFile(join(root, mainPath), program)
  return root
}

interface StartOptions {
  readonly script?: string
  readonly uid?: number
}

function start(
  root: string,
  argv: readonly string[],
  { script, uid }: StartOptions = {},
): Promise<Ended> {
  const file = join(root, script ?? join('scripts', 'watertight.mjs'))
  const child = spawn(process.execPath, [file, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
    ...(uid === undefined ? {} : { uid }),
  })
  const text = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text.stdout += part
  })
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text.stderr += part
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => {
      resolve({ code, ...text })
    })
  })
}
