/**
 * Copies and counts directory trees. Node's own cp keeps neither the owner nor a mode we choose, and both
 * decide whether the unprivileged server user may run the copy.
 */

import { spawn } from 'node:child_process'
import { constants, type Dirent } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { giveTo, type RunAs } from './run-as.ts'

export interface TreeCount {
  readonly files: number
  readonly bytes: number
  /** Of all names and contents, where it was asked for. */
  readonly sum?: number
}

export interface CountOptions {
  /** Name in the directory itself that is left out. */
  readonly except?: string
  /** Read every byte. Default false. */
  readonly checksum?: boolean
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

/**
 * A copy of a data directory. GNU cp makes it with a fifth of the work of a thousand calls from here; where there is
 * none, or it says no, the calls are made.
 */
export async function copyData(from: string, to: string, owner: RunAs | null): Promise<void> {
  if (process.platform === 'linux' && (await copiedByProgram(from, to, owner))) return
  await rm(to, { recursive: true, force: true })
  await copyTree(from, to, { owner, access: 'private' })
}

/** Files and links of a tree and their bytes: enough to notice that a cleaner of /tmp ate some of them. */
export async function countTree(
  directory: string,
  { except, checksum = false }: CountOptions = {},
): Promise<TreeCount> {
  const entries = (await readdir(directory, { withFileTypes: true })).filter(
    ({ name }) => name !== except,
  )
  const counts = await Promise.all(
    entries.map(async (entry): Promise<TreeCount> => {
      const path = join(directory, entry.name)
      if (entry.isDirectory()) return await countTree(path, { checksum })
      const bytes = (await lstat(path)).size
      return checksum
        ? { files: 1, bytes, sum: crc32(await contentOf(path, entry), crc32(entry.name)) }
        : { files: 1, bytes }
    }),
  )
  const total = (of: (count: TreeCount) => number) =>
    counts.reduce((sum, count) => sum + of(count), 0)
  const plain = { files: total(({ files }) => files), bytes: total(({ bytes }) => bytes) }
  return checksum ? { ...plain, sum: total(({ sum }) => sum ?? 0) % 2 ** 32 } : plain
}

async function contentOf(path: string, entry: Dirent): Promise<string | Buffer> {
  return entry.isSymbolicLink() ? await readlink(path) : await readFile(path)
}

/** Permissions are copied, owners are not: whoever runs the server gets all of it in one call. */
async function copiedByProgram(from: string, to: string, owner: RunAs | null): Promise<boolean> {
  const copy = ['--recursive', '--reflink=auto', '--no-target-directory', '--preserve=mode']
  if (!(await succeeds('cp', [...copy, from, to]))) return false
  return owner === null || (await succeeds('chown', ['-R', `${owner.uid}:${owner.gid}`, to]))
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(program, args, { stdio: 'ignore' })
  return await new Promise((resolve) => {
    child.once('error', () => {
      resolve(false)
    })
    child.once('close', (code) => {
      resolve(code === 0)
    })
  })
}

async function copyPlainFile(from: string, to: string, options: CopyOptions): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE)
  const executable = options.access === 'public' && ((await lstat(from)).mode & 0o111) !== 0
  await chmod(to, options.access === 'private' ? 0o600 : executable ? 0o755 : 0o644)
  await giveTo(options.owner, to)
}
