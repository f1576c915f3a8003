/** A run that npm started ends when npm does; one that somebody put into the background goes on. */

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import ts from 'typescript'
import { afterAll, expect, test } from 'vitest'

const home = mkdtempSync(join(tmpdir(), 'watertight-parent-'))
afterAll(() => {
  rmSync(home, { recursive: true, force: true })
})
const { outputText } = ts.transpileModule(
  readFileSync(new URL('parent.ts', import.meta.url), 'utf8'),
  { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } },
)
writeFileSync(join(home, 'parent.mjs'), outputText)
/** Writes its id when it watches, and ends when it is told that its parent is gone. */
writeFileSync(
  join(home, 'run.mjs'),
  `import { writeFileSync } from 'node:fs'
import { watchParent } from './parent.mjs'
watchParent(process.env, () => process.exit())
writeFileSync(process.argv[2], String(process.pid))
setTimeout(() => {}, 30_000)`,
)
/** As npm does it: starts the command and forwards nothing. */
const npm = `require('node:child_process').spawn(process.argv[1], process.argv.slice(2), { stdio: 'ignore' })
setTimeout(() => {}, 30_000)`

const isAlive = (pid: number) => existsSync(`/proc/${pid}`)
let runs = 0

async function afterDeathOf(
  command: (run: string, file: string) => readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly pid: number }> {
  const file = join(home, String((runs += 1)))
  const parent = spawn(process.execPath, ['-e', npm, ...command(join(home, 'run.mjs'), file)], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: 'ignore',
  })
  await expect
    .poll(() => existsSync(file) && readFileSync(file, 'utf8'), { timeout: 20_000 })
    .toMatch(/\d/)
  await pause(700)
  const pid = Number(readFileSync(file, 'utf8'))
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGTERM')
  return { pid }
}

const direct = (run: string, file: string) => [process.execPath, run, file]
/** A shell that does not make room for its command. */
const inShell = (run: string, file: string) => [
  'sh',
  '-c',
  `'${process.execPath}' '${run}' '${file}'; exit 0`,
]

test.skipIf(process.platform !== 'linux').each([
  ['npx', direct, { npm_command: 'exec' }],
  ['npx with a shell in between', inShell, { npm_command: 'exec' }],
  ['a script of another package manager', direct, { npm_execpath: '/usr/bin/pnpm' }],
])('the end of %s ends the run', async (_, command, env) => {
  const { pid } = await afterDeathOf(command, env as unknown as Record<string, string>)
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
})

test.skipIf(process.platform !== 'linux')('the end of anybody else does not', async () => {
  const { pid } = await afterDeathOf(direct, {})
  await pause(2_000)
  expect(isAlive(pid)).toBe(true)
  process.kill(pid)
})
