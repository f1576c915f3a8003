/** Emits dist/ when sources changed, so that a fresh clone runs even where install scripts are blocked. */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeBuiltParts, writeManifest } from './manifest.mjs'

const lockWaitMs = 120_000
const leftoverAgeMs = 600_000

/** A build that cannot be had: one sentence and the next step. */
export class BuildError extends Error {
  constructor(sentence, hint, cause) {
    super(sentence, cause === undefined ? undefined : { cause })
    this.hint = hint
  }
}

/**
 * Brings dist/ up to date; writes nothing when it is. A published package has no configuration to
 * build by and runs as it is.
 */
export async function ensureBuilt(root, { force = false } = {}) {
  if (!existsSync(join(root, 'tsconfig.build.json'))) return
  if (!force && isCurrent(root)) return
  try {
    await underLock(root, async () => {
      if (force || !isCurrent(root)) await build(root)
    })
  } catch (error) {
    if (!['EROFS', 'EACCES', 'EPERM'].includes(error.code)) throw error
    const state = existsSync(join(root, 'dist')) ? 'older than the sources' : 'missing'
    throw new BuildError(
      `The build is ${state} and ${root} cannot be written (${error.code})`,
      'Run "npm run build" as the owner of the checkout, then start again',
      error,
    )
  }
}

/** One line per source that shapes dist/: path, modification time, size. Tests are not part of it. */
export function sourceStamp(root) {
  const lines = [
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/build.mjs',
    'scripts/manifest.mjs',
  ].map((path) => line(root, path))
  for (const folder of ['src', 'suites', 'fixtures']) walk(root, folder, lines)
  return lines.sort().join('\n')
}

function walk(root, folder, lines) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) walk(root, path, lines)
    else if (/\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path)) lines.push(line(root, path))
  }
}

function line(root, path) {
  const { mtimeMs, size } = statSync(join(root, path))
  return `${path} ${mtimeMs} ${size}`
}

function isCurrent(root) {
  const file = join(root, 'dist', '.stamp')
  return existsSync(file) && readFileSync(file, 'utf8') === sourceStamp(root)
}

async function build(root) {
  process.stderr.write('building watertight (first run or sources changed)…\n')
  removeLeftovers(root)
  const token = `${process.pid}.${Date.now().toString(16)}`
  const temporary = join(root, `dist.${token}.tmp`)
  const stamp = sourceStamp(root) // before reading the sources: an edit during the build makes the next start rebuild
  try {
    await emit(root, temporary)
    writeBuiltParts(root, temporary)
    writeFileSync(join(temporary, '.stamp'), stamp)
    swap(temporary, join(root, 'dist'), join(root, `dist.${token}.old`))
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** Emits without checking types: `npm run typecheck` does that, and needs packages a user may not have. */
async function emit(root, outDir) {
  const { default: ts } = await import('typescript')
  const complain = (diagnostics) => {
    const text = ts.formatDiagnostics(diagnostics, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => root,
      getNewLine: () => '\n',
    })
    throw new BuildError('The sources cannot be compiled', text.trim())
  }
  const host = {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => complain([diagnostic]),
  }
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.build.json'),
    { noCheck: true, outDir },
    host,
  )
  const program = ts.createProgram({ rootNames: config.fileNames, options: config.options })
  const faults = [...config.errors, ...program.getSyntacticDiagnostics()]
  if (faults.length > 0) complain(faults)
  if (program.emit().emitSkipped) {
    throw new BuildError('The compiler wrote nothing', 'Run "npx tsc -p tsconfig.build.json"')
  }
}

/** A directory cannot replace a full one, so the old build steps aside; another builder may win the gap. */
function swap(fresh, target, aside) {
  for (;;) {
    rmSync(aside, { recursive: true, force: true })
    if (existsSync(target)) renameSync(target, aside)
    try {
      renameSync(fresh, target)
      break
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    }
  }
  rmSync(aside, { recursive: true, force: true })
}

/** The lock only saves double work: a stolen one costs a second build, because swap() tolerates rivals. */
async function underLock(root, work) {
  const lock = join(root, 'dist.lock') // ignored by git, as dist.* is
  const deadline = Date.now() + lockWaitMs
  while (!acquire(lock)) {
    if (holderIsGone(lock) || Date.now() > deadline) rmSync(lock, { recursive: true, force: true })
    else await new Promise((resolve) => setTimeout(resolve, 50))
  }
  try {
    await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function acquire(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function holderIsGone(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    if (pid > 0) process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

function removeLeftovers(root) {
  for (const name of readdirSync(root)) {
    const path = join(root, name)
    const isOurs = /^dist\.\d+\.[0-9a-f]+\.(tmp|old)$/.test(name)
    if (isOurs && Date.now() - statSync(path).mtimeMs > leftoverAgeMs)
      rmSync(path, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(process.argv[1]))
  try {
    const force = process.argv.includes('--force')
    // Only when it is asked for: a run on an edited tree must be able to say so.
    if (force && writeManifest(root)) process.stderr.write('fixtures/manifest.json was rewritten\n')
    await ensureBuilt(root, { force })
  } catch (error) {
    if (!(error instanceof BuildError)) throw error
    process.stderr.write(`${error.message}\n${error.hint}\n`)
    process.exitCode = 1
  }
}
