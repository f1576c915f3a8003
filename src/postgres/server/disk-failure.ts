/** A disk that is full, closed or broken is no bug of ours: what the system said, with the place and the way out. */

import { mkdir } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'

/** Does the work below `path`. @throws WatertightError WATERTIGHT_CACHE_FAILED where a system call failed. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof WatertightError || !isOfSystem(error)) throw error
    throw new WatertightError(
      'WATERTIGHT_CACHE_FAILED',
      `the cache directory ${path} cannot be used: ${messageOf(error)}`,
      {
        hint: 'Free space and file handles, or set WATERTIGHT_CACHE_DIR to a directory on another disk',
        cause: error,
      },
    )
  }
}

/** One level after the other: asked for all at once, Node tries for ever where /proc says ENOENT. */
export async function makeDirectory(path: string): Promise<void> {
  if (existsSync(path)) return
  if (dirname(path) !== path) await makeDirectory(dirname(path))
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

function isOfSystem(error: unknown): boolean {
  const { syscall } = (error ?? {}) as { readonly syscall?: unknown }
  return typeof syscall === 'string'
}
