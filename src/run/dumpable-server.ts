/** A server that the pg_dump of this machine can read, among those whose programs are here already. */

import { cacheDirectory } from '../postgres/cache-directory.ts'
import { cachedMinors } from '../postgres/old-minors.ts'
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

/** The newest one that fits. Nothing is downloaded. */
export async function dumpableServer(): Promise<DumpableServer> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const minors = await cachedMinors(await cacheDirectory(await unprivilegedUser()), platform)
  const newestFirst = [...minors].sort((a, b) => numberOf(b) - numberOf(a))
  for (const version of newestFirst.filter((each) => numberOf(each) >= oldestMajor * 10_000)) {
    if (await findPgDump(numberOf(version)) !== null) return { version, why: '' }
  }
  const first = await findPgDump(0)
  const why = first === null ? 'no pg_dump is installed'
    : `pg_dump ${first.version} is older than every server here (--server fetches others)`
  return { version: null, why: ` (left out: ${why})` }
}

function numberOf(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major * 10_000 + minor
}
