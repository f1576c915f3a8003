/** How child processes are started: as whom, where, and with an environment that cannot surprise them. */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { messageOf, WatertightError } from '../../errors.ts'
import { LogRing } from './log-ring.ts'
import type { RunAs } from './run-as.ts'

export interface LaunchOptions {
  /** Explicit, because the caller's own directory may be closed to the user we drop to. */
  readonly cwd: string
  readonly runAs: RunAs | null
}

export interface Launched {
  readonly child: ChildProcess
  readonly log: LogRing
}

/** Our own variables (PG*, LD_LIBRARY_PATH, NODE_OPTIONS, LANG) would change what the children do. */
export function childEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'windir', 'COMSPEC']
  const own = kept
    .map((name) => [name, process.env[name]] as const)
    .filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(own), LC_ALL: 'C', TZ: 'UTC' }
}

/**
 * Starts a program in its own session, its output kept in the log; libuv clears the supplementary groups
 * when it changes the user.
 * @throws WatertightError WATERTIGHT_SPAWN_FAILED when the system does not start it.
 */
export async function launch(
  program: string,
  args: readonly string[],
  options: LaunchOptions,
): Promise<Launched> {
  const { runAs } = options
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: childEnvironment(),
    detached: true,
    windowsHide: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(runAs === null ? {} : { uid: runAs.uid, gid: runAs.gid }),
  })
  const log = new LogRing()
  log.follow(child.stdout)
  log.follow(child.stderr)
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw new WatertightError(
      'WATERTIGHT_SPAWN_FAILED',
      `cannot start ${program}${runAs === null ? '' : ` as ${runAs.name}`}: ${messageOf(error)}`,
      { hint: spawnHint(program, error), cause: error },
    )
  }
  return { child, log }
}

/** Runs a program to its end. @throws WatertightError WATERTIGHT_SPAWN_FAILED with its last lines. */
export async function runToEnd(
  program: string,
  args: readonly string[],
  options: LaunchOptions,
): Promise<void> {
  const { child, log } = await launch(program, args, options)
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (code === 0) return
  throw new WatertightError(
    'WATERTIGHT_SPAWN_FAILED',
    `${program} ended with ${signal ?? `exit code ${code}`}:\n${log.tail().join('\n')}`,
    { hint: 'The lines above are its own last words' },
  )
}

/**
 * Standard output of a tool of this machine that runs as ourselves, with our own environment: its
 * configuration is the user's. @throws WatertightError WATERTIGHT_SPAWN_FAILED.
 */
export async function outputOf(
  program: string,
  args: readonly string[],
  { timeLimitMs }: { readonly timeLimitMs: number },
): Promise<string> {
  return await new Promise((resolve, reject) => {
    // npm is a script on Windows, which only a shell starts; callers pass no text of strangers.
    const shell = process.platform === 'win32'
    execFile(
      program,
      [...args],
      { timeout: timeLimitMs, maxBuffer: 64 * 1024 * 1024, shell, windowsHide: true },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else {
          reject(
            new WatertightError(
              'WATERTIGHT_SPAWN_FAILED',
              `${program} failed: ${stderr.trim().split('\n').slice(-5).join('\n') || messageOf(error)}`,
              { hint: 'The lines above are its own last words', cause: error },
            ),
          )
        }
      },
    )
  })
}

function spawnHint(program: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') {
    return 'Set WATERTIGHT_CACHE_DIR to a directory that is not mounted noexec and that user can enter'
  }
  if (code === 'ENOENT' && isReadable(program)) {
    return 'The binaries need glibc, which this system (musl?) does not have; name a server with --target'
  }
  return 'Name a server with --target, or reinstall the dependencies'
}

function isReadable(program: string): boolean {
  try {
    accessSync(program, constants.R_OK)
    return true
  } catch {
    return false
  }
}
