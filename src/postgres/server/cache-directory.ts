/**
 * The one directory on this machine that holds the runnable binaries, the pristine clusters and the
 * running servers. We execute what lies in it, so nobody but us may be able to write there.
 */

import { chmod, lstat, mkdir, realpath, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { WatertightError } from '../../errors.ts'
import { makeDirectory, onDisk } from './disk-failure.ts'
import type { RunAs } from './run-as.ts'

export { removeUnfinished } from './cache-entry.ts'
export { onDisk }

const HINT = 'Set WATERTIGHT_CACHE_DIR to a directory that only you can write to'

/**
 * Creates the directory when it is missing: 0700, or 0711 when root has to let `runAs` pass through.
 * WATERTIGHT_CACHE_DIR names it; default is watertight-<uid> in the system's temporary directory.
 * @throws WatertightError WATERTIGHT_CACHE_UNSAFE when somebody else could write to it,
 *   WATERTIGHT_CACHE_CLOSED when `runAs` cannot enter it.
 */
export async function cacheDirectory(runAs: RunAs | null): Promise<string> {
  const path = chosenPath()
  await onDisk(path, () => makeDirectory(dirname(path)))
  if (await madeNew(path)) await chmod(path, privateDirectoryMode(runAs))
  await requireOurs(path)
  if (runAs !== null) await requireOpenTo(runAs, path)
  return path
}

/** Mode of directories that are ours but lie above something the server's user has to reach. */
export function privateDirectoryMode(runAs: RunAs | null): number {
  return runAs === null ? 0o700 : 0o711
}

function chosenPath(): string {
  const named = process.env['WATERTIGHT_CACHE_DIR']
  if (named !== undefined && named !== '') return resolve(named)
  return join(tmpdir(), `watertight-${process.geteuid?.() ?? 'user'}`)
}

async function madeNew(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw new WatertightError(
      'WATERTIGHT_CACHE_UNSAFE',
      `cannot create the cache directory ${path}`,
      { hint: HINT, cause: error },
    )
  }
}

/** lstat, not stat: in a shared /tmp somebody else may have left a link in our place. */
async function requireOurs(path: string): Promise<void> {
  const found = await lstat(path)
  const uid = process.geteuid?.()
  const fault = !found.isDirectory()
    ? 'is not a directory'
    : uid === undefined
      ? null
      : found.uid !== uid
        ? `belongs to uid ${found.uid}, not to us (uid ${uid})`
        : (found.mode & 0o022) !== 0
          ? `can be written by others (mode ${(found.mode & 0o777).toString(8)})`
          : null
  if (fault === null) return
  throw new WatertightError('WATERTIGHT_CACHE_UNSAFE', `the cache directory ${path} ${fault}`, {
    hint: HINT,
  })
}

async function requireOpenTo(runAs: RunAs, path: string): Promise<void> {
  for (let step = await realpath(path); ; step = dirname(step)) {
    const { mode, uid, gid } = await stat(step)
    const bit = uid === runAs.uid ? 0o100 : gid === runAs.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) {
      throw new WatertightError(
        'WATERTIGHT_CACHE_CLOSED',
        `the cache directory ${path} is closed to the user ${runAs.name}, whom the server runs as: ` +
          `${step} has mode ${(mode & 0o777).toString(8)}`,
        {
          hint: 'Set WATERTIGHT_CACHE_DIR to a directory that user can enter, or run as an ordinary user',
        },
      )
    }
    if (step === dirname(step)) return
  }
}
