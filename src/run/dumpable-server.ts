/** A server that the pg_dump of this machine can read, fetched where none is here. */

import { messageOf } from '../errors.ts'
import { cacheDirectory } from '../postgres/cache-directory.ts'
import { cachedMinors, chooseMinor } from '../postgres/old-minors.ts'
import { findPgDump } from '../postgres/pg-dump.ts'
import { unprivilegedUser } from '../postgres/run-as.ts'

export interface DumpableServer {
  /** Null when there is none. */
  readonly version: string | null
  /** For the name of a test that is left out; empty when there is a version. */
  readonly why: string
}

/** Oldest server that the platform runs on: views with security_invoker. */
const oldestMajor = 15

/** The newest one that fits: from the cache, or else the one that is fetched when a test starts it. */
export async function dumpableServer(): Promise<DumpableServer> {
  const dump = await findPgDump(oldestMajor * 10_000)
  if (dump === null) return leftOut(`no pg_dump ${oldestMajor} or newer is installed`)
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const cache = await cacheDirectory(await unprivilegedUser())
  const newest = (await cachedMinors(cache, platform)).filter((version) => {
    const major = Number.parseInt(version, 10)
    return major >= oldestMajor && major <= dump.major
  }).at(-1)
  if (newest !== undefined) return { version: newest, why: '' }
  try {
    return { version: await chooseMinor({ cache, platform, wanted: String(dump.major) }), why: '' }
  } catch (error) {
    return leftOut(`no server that pg_dump ${dump.version} can read: ${messageOf(error)}`)
  }
}

function leftOut(why: string): DumpableServer {
  return { version: null, why: ` (left out: ${why})` }
}
