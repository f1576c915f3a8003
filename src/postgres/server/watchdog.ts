/** Starts the process that cleans up after us when we die in a way that runs no code of ours. */

import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { cacheEntry, cacheTrustMs } from './cache-entry.ts'
import { childEnvironment } from './launch.ts'
import { WATCHDOG_PROGRAM } from './watchdog-program.ts'

/** Longer than all shutdown steps of a server together. */
const BURIAL_LIMIT_MS = 30_000
const PROGRAM = 'watchdog.cjs'

export class Watchdog {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /**
   * Watches over a server directory, which need not exist yet, until released. It has its own session, so
   * Ctrl-C does not reach it.
   */
  static async start(cache: string, directory: string): Promise<Watchdog> {
    const child = await spawnProgram(cache, directory)
    child.unref()
    ;(child.stdin as unknown as { unref(): void }).unref()
    return new Watchdog(child)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Lets the watchdog end without doing anything. */
  async release(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.ref()
    const exit = once(this.#child, 'exit')
    this.#child.stdin?.end('released\n')
    await exit
  }
}

/**
 * Stops the server of an abandoned directory, if it is verified to be that server, and removes the directory.
 * A stale server that resists is no reason to refuse a new one, so that is a warning; the next start tries again.
 */
export async function buryAbandoned(cache: string, directory: string): Promise<void> {
  const child = await spawnProgram(cache, directory)
  child.stdin?.end()
  const timer = new AbortController()
  const limit = pause(BURIAL_LIMIT_MS, undefined, { signal: timer.signal }).catch(() => undefined)
  await Promise.race([once(child, 'exit'), limit])
  timer.abort()
  child.unref()
  if (child.exitCode === 0 && !existsSync(directory)) return
  process.emitWarning(`the stale server in ${directory} could not be removed`, {
    code: 'WATERTIGHT_STALE_SERVER',
  })
}

/** Kept under a name made from its text, so that versions of us which share the cache do not mix. */
async function spawnProgram(cache: string, directory: string): Promise<ChildProcess> {
  const digest = createHash('sha256').update(WATCHDOG_PROGRAM).digest('hex').slice(0, 12)
  const folder = await cacheEntry(
    { cache, name: `watchdog-${digest}`, access: 0o700, trustMs: cacheTrustMs },
    async (draft) => {
      await writeFile(join(draft, PROGRAM), WATCHDOG_PROGRAM, { mode: 0o600 })
    },
  )
  const child = spawn(process.execPath, [join(folder, PROGRAM), directory], {
    cwd: parse(directory).root,
    detached: true,
    windowsHide: true,
    env: childEnvironment(),
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // The watchdog may be killed before us; writing to it then fails, and stale servers are swept later.
  child.stdin.on('error', () => undefined)
  await once(child, 'spawn')
  return child
}
