/**
 * Things that are expensive to make and never change: made once, in a directory that appears whole or not
 * at all, so two runs that race both get a complete one.
 */

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { countTree, type TreeCount } from './file-tree.ts'

/** Written last and names what belongs to the entry; its absence or a wrong count means damage. */
const MANIFEST = 'complete.json'
const UNFINISHED = '.unfinished-'
const ABANDONED_AFTER_MS = 60 * 60 * 1_000

export interface CacheEntry {
  readonly cache: string
  readonly name: string
  /** Mode of the entry's own directory. */
  readonly access: number
  /** For how long this process need not count again what it has found whole; default 0. */
  readonly trustMs?: number
  /** Notice a changed byte too, not only lost files: for programs that are run. Default false. */
  readonly checksum?: boolean
}

/** Counting two thousand files takes longer than starting a server, and a cleaner of /tmp comes once a day. */
export const cacheTrustMs = 10 * 60 * 1_000
const foundWholeAt = new Map<string, number>()

/** The directory of a complete entry; `make` fills a new one when there is none or it is damaged. */
export async function cacheEntry(
  entry: CacheEntry,
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const path = join(entry.cache, entry.name)
  const { checksum = false } = entry
  if (isTrusted(path, entry.trustMs ?? 0) || (await isComplete(path, checksum))) return path
  const draft = join(entry.cache, `${UNFINISHED}${randomBytes(6).toString('hex')}`)
  await mkdir(draft)
  try {
    await chmod(draft, entry.access)
    await make(draft)
    const count = await countTree(draft, { except: MANIFEST, checksum })
    await writeFile(join(draft, MANIFEST), JSON.stringify(count))
    await publish(draft, path, checksum)
  } finally {
    await rm(draft, { recursive: true, force: true, maxRetries: 5 })
  }
  return path
}

/** Removes what killed runs left half made. An hour is far longer than any entry takes. */
export async function removeUnfinished(cache: string): Promise<void> {
  const names = await readdir(cache)
  for (const name of names.filter((each) => each.startsWith(UNFINISHED))) {
    const path = join(cache, name)
    const changedAtMs = (await stat(path).catch(goneIsNull))?.mtimeMs ?? Date.now()
    if (Date.now() - changedAtMs < ABANDONED_AFTER_MS) continue
    await rm(path, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function publish(draft: string, path: string, checksum: boolean): Promise<void> {
  for (;;) {
    try {
      return await rename(draft, path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (!takenCodes.includes(code ?? '')) throw error
      // Another run was faster and its entry is as good as ours.
      if (await isComplete(path, checksum)) return
      if (code === 'EPERM') throw error
      await removeDamaged(path)
    }
  }
}

/** ENOTDIR: somebody left a plain file there. */
const takenCodes: readonly string[] = ['ENOTEMPTY', 'EEXIST', 'EPERM', 'ENOTDIR']

/** Moved away first, because nobody may see an entry shrink. */
async function removeDamaged(path: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`.replace(/([^/\\]+)$/, `${UNFINISHED}$1`)
  await rename(path, aside).catch(goneIsNull)
  await rm(aside, { recursive: true, force: true, maxRetries: 5 })
}

function isTrusted(path: string, trustMs: number): boolean {
  const at = foundWholeAt.get(path)
  return at !== undefined && Date.now() - at < trustMs && existsSync(join(path, MANIFEST))
}

async function isComplete(path: string, checksum: boolean): Promise<boolean> {
  const expected = await readManifest(path)
  if (expected === null) return false
  const hasSum = checksum && expected.sum !== undefined
  const found = await countTree(path, { except: MANIFEST, checksum: hasSum }).catch(goneIsNull)
  const isWhole =
    found !== null &&
    found.files === expected.files &&
    found.bytes === expected.bytes &&
    (!hasSum || found.sum === expected.sum)
  if (isWhole) foundWholeAt.set(path, Date.now())
  return isWhole
}

/** Null where there is none, or what a disk that was full left of it. */
async function readManifest(path: string): Promise<TreeCount | null> {
  const text = await readFile(join(path, MANIFEST), 'utf8').catch(goneIsNull)
  try {
    return JSON.parse(text ?? 'null') as TreeCount | null
  } catch {
    return null
  }
}

function goneIsNull(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
  throw error
}
