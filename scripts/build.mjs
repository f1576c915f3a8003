// Builds dist/ when sources changed since the last build. Plain JavaScript, because it runs before a
// build exists: also where install scripts are blocked, and in two processes at the same time.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')

/** Path, size and time of every source: cheap enough to ask at every start. */
function sourceStamp() {
  const lines = []
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) walk(path)
      else if (/\.(ts|tsx)$/.test(entry.name) && !entry.name.includes('.test.')) {
        const { size, mtimeMs } = statSync(join(root, path))
        lines.push(`${path} ${size} ${Math.trunc(mtimeMs)}`)
      }
    }
  }
  for (const folder of ['src', 'suites', 'fixtures']) if (existsSync(join(root, folder))) walk(folder)
  const { size, mtimeMs } = statSync(join(root, 'tsconfig.json'))
  return [...lines, `tsconfig.json ${size} ${Math.trunc(mtimeMs)}`].sort().join('\n')
}

function builtStamp() {
  const file = join(dist, '.stamp')
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

/** Waits for another process that is building; a lock of a dead process is taken over. */
function acquireLock() {
  const lock = join(root, '.build-lock')
  for (let waitedMs = 0; ; waitedMs += 100) {
    try {
      mkdirSync(lock)
      return () => rmSync(lock, { recursive: true, force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      const ageMs = existsSync(lock) ? Date.now() - statSync(lock).mtimeMs : 0
      if (ageMs > 120_000) rmSync(lock, { recursive: true, force: true })
      if (waitedMs > 180_000) throw new Error(`another build holds ${lock}`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    }
  }
}

/** Builds when needed; returns true when it did. Types are checked by `npm run typecheck`, not here. */
export function ensureBuilt({ announce = () => {} } = {}) {
  if (builtStamp() === sourceStamp()) return false
  announce()
  const release = acquireLock()
  try {
    const stamp = sourceStamp()
    if (builtStamp() === stamp) return false
    const next = join(root, `dist.${process.pid}.tmp`)
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
    const result = spawnSync(process.execPath,
      [tsc, '-p', join(root, 'tsconfig.build.json'), '--noCheck', '--outDir', next], { encoding: 'utf8' })
    if (!existsSync(join(next, 'src', 'cli', 'main.js'))) {
      rmSync(next, { recursive: true, force: true })
      throw new Error(`tsc built nothing: ${result.stdout}${result.stderr}`)
    }
    writeFileSync(join(next, '.stamp'), stamp)
    swap(next)
    return true
  } finally {
    release()
  }
}

/** A process that already runs keeps the modules it has loaded; late imports find the new ones. */
function swap(next) {
  const old = join(root, `dist.${process.pid}.old`)
  if (existsSync(dist)) renameSync(dist, old)
  renameSync(next, dist)
  rmSync(old, { recursive: true, force: true })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureBuilt()
