/** Another server's programs for a test that wants one: from the cache, or else fetched when the test starts it. */

import { messageOf } from '../errors.ts'
import { cacheDirectory } from '../postgres/server/cache-directory.ts'
import { cachedMinors, chooseMinor } from '../postgres/server/old-minors.ts'
import { unprivilegedUser } from '../postgres/server/run-as.ts'

export interface MinorAtHand {
  /** For example '15.14'; null when there is none. */
  readonly version: string | null
  /** For the name of a test that is left out; empty when there is a version. */
  readonly why: string
}

/** The newest minor of a major version. */
export async function minorAtHand(major: number): Promise<MinorAtHand> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const cache = await cacheDirectory(await unprivilegedUser())
  const cached = (await cachedMinors(cache, platform))
    .filter((each) => Number.parseInt(each, 10) === major)
    .at(-1)
  if (cached !== undefined) return { version: cached, why: '' }
  try {
    return { version: await chooseMinor({ cache, platform, wanted: String(major) }), why: '' }
  } catch (error) {
    return leftOut(messageOf(error))
  }
}

export function leftOut(why: string): MinorAtHand {
  return { version: null, why: ` (left out: ${why})` }
}
