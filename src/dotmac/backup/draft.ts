/** A backup is made beside its place and renamed when it is whole: a killed one is never taken for one. */

import { randomBytes } from 'node:crypto'
import { access, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'

/**
 * Runs the work with an empty directory of mode 0700 and gives it its name at the end; when the work fails
 * the directory is removed.
 * @throws WatertightError WATERTIGHT_BACKUP_EXISTS, WATERTIGHT_BACKUP_WRITE (full disk, missing rights), and
 *   what the work throws.
 */
export async function inDraft<T>(
  target: string,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const place = resolve(target)
  await requireFree(place)
  const draft = join(
    dirname(place),
    `.${basename(place)}.unfinished-${randomBytes(4).toString('hex')}`,
  )
  try {
    await mkdir(draft, { mode: 0o700 })
    const value = await work(draft)
    await flush(draft)
    await requireFree(place)
    await rename(draft, place)
    await flush(dirname(place))
    return value
  } catch (error) {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined)
    throw writeError(error, place)
  }
}

async function requireFree(place: string): Promise<void> {
  const taken = await access(place).then(
    () => true,
    () => false,
  )
  if (!taken) return
  throw new WatertightError('WATERTIGHT_BACKUP_EXISTS', `${place} is already there`, {
    hint: 'Name a directory that does not exist; backups are never written over',
  })
}

/** The names in a directory are on disk only when the directory itself is flushed. */
async function flush(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  await using handle = await open(directory, 'r')
  await handle.sync()
}

const fileErrors: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file grew too large',
  EACCES: 'the directory may not be written',
  EPERM: 'the directory may not be written',
  EROFS: 'the file system is read-only',
  ENOENT: 'its parent directory does not exist',
  ENOTDIR: 'its parent is no directory',
  EIO: 'the disk failed',
  ENAMETOOLONG: 'the name is too long',
}

function writeError(error: unknown, place: string): unknown {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown }
  const reason = typeof code === 'string' && syscall !== undefined ? fileErrors[code] : undefined
  if (reason === undefined) return error
  return new WatertightError(
    'WATERTIGHT_BACKUP_WRITE',
    `The backup ${place} was not written: ${reason} (${messageOf(error)})`,
    {
      hint: 'Nothing was left behind; name a directory with room that this user may write',
      cause: error,
    },
  )
}
