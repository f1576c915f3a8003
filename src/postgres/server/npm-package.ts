/** What npm's registry knows about a package, and a verified copy of one version of it: the only use of npm. */

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WatertightError } from '../../errors.ts'
import { outputOf } from './launch.ts'

/** Registry, proxy and certificates are whatever npm is configured with in the current directory. */
const TIME_LIMIT_MS = 300_000

/** Without a network it should be said in seconds that there is none. */
const quickly = [
  '--ignore-scripts',
  '--loglevel=error',
  '--fetch-retries=1',
  '--fetch-retry-mintimeout=1000',
]

/** Versions the registry offers, oldest first. @throws WatertightError WATERTIGHT_NO_REGISTRY. */
export async function packageVersions(name: string): Promise<readonly string[]> {
  const answer = JSON.parse(await npm(['view', name, 'versions', '--json'])) as unknown
  const versions = Array.isArray(answer) ? answer : [answer]
  return versions.filter((each): each is string => typeof each === 'string')
}

/**
 * Downloads one version into `directory` and returns the path of the archive.
 * @throws WatertightError WATERTIGHT_NO_REGISTRY, or WATERTIGHT_BAD_DOWNLOAD when the archive is not
 *   the one that the registry describes.
 */
export async function downloadPackage(
  name: string,
  version: string,
  directory: string,
): Promise<string> {
  const spec = `${name}@${version}`
  const integrity = JSON.parse(await npm(['view', spec, 'dist.integrity', '--json'])) as unknown
  const [packed] = JSON.parse(
    await npm(['pack', spec, '--json', '--pack-destination', directory]),
  ) as readonly { readonly filename?: string }[]
  // npm flattens the scope in the file's name, but older ones report it with a slash.
  const archive = join(directory, (packed?.filename ?? '').replace(/^@/, '').replaceAll('/', '-'))
  await requireIntegrity(archive, String(integrity))
  return archive
}

/** @throws WatertightError WATERTIGHT_BAD_DOWNLOAD unless the file has the digest `sha512-<base64>`. */
export async function requireIntegrity(archive: string, integrity: string): Promise<void> {
  const found = `sha512-${createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')}`
  if (found === integrity) return
  throw new WatertightError(
    'WATERTIGHT_BAD_DOWNLOAD',
    `${archive} has the digest ${found}, the registry says ${integrity}`,
    { hint: 'Something between here and the registry changes packages; nothing of it was kept' },
  )
}

async function npm(args: readonly string[]): Promise<string> {
  try {
    return await outputOf('npm', [...args, ...quickly], { timeLimitMs: TIME_LIMIT_MS })
  } catch (error) {
    throw new WatertightError('WATERTIGHT_NO_REGISTRY', `npm ${args.join(' ')} gave no answer`, {
      hint: 'Old PostgreSQL servers are downloaded once, by npm; afterwards they are used without a network',
      cause: error,
    })
  }
}
