/**
 * Copies and counts directory trees. Node's own cp keeps neither the owner nor a mode we choose, and both
 * decide whether the unprivileged server user may run the copy.
 */

import { constants } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { giveTo, type RunAs } from './run-as.ts'

export interface TreeCount {
  readonly files: number
  readonly bytes: number
}

export interface CopyOptions {
  readonly owner: RunAs | null
  /** private: 0700 and 0600, as PostgreSQL demands of a data directory. public: anyone may read and run. */
  readonly access: 'private' | 'public'
}

/** Copies directories and plain files into `to`, which must not exist; links are left out. */
export async function copyTree(from: string, to: string, options: CopyOptions): Promise<void> {
  await mkdir(to)
  const entries = await readdir(from, { withFileTypes: true })
  await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async ({ name }) => {
        await copyPlainFile(join(from, name), join(to, name), options)
      }),
  )
  for (const entry of entries) {
    if (entry.isDirectory()) await copyTree(join(from, entry.name), join(to, entry.name), options)
  }
  await chmod(to, options.access === 'private' ? 0o700 : 0o755)
  await giveTo(options.owner, to)
}

/** Files and links of a tree and their bytes: enough to notice that a cleaner of /tmp ate some of them. */
export async function countTree(directory: string, except?: string): Promise<TreeCount> {
  const entries = (await readdir(directory, { withFileTypes: true })).filter(
    ({ name }) => name !== except,
  )
  const counts = await Promise.all(
    entries.map(async (entry) => {
      const path = join(directory, entry.name)
      return entry.isDirectory()
        ? await countTree(path)
        : { files: 1, bytes: (await lstat(path)).size }
    }),
  )
  return counts.reduce(
    (sum, count) => ({ files: sum.files + count.files, bytes: sum.bytes + count.bytes }),
    { files: 0, bytes: 0 },
  )
}

async function copyPlainFile(from: string, to: string, options: CopyOptions): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE)
  const executable = options.access === 'public' && ((await lstat(from)).mode & 0o111) !== 0
  await chmod(to, options.access === 'private' ? 0o600 : executable ? 0o755 : 0o644)
  await giveTo(options.owner, to)
}
