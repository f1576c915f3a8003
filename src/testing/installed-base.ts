/** Servers on which something was installed once in a run of the tests: those that want the same start from a copy. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheEntry } from '../postgres/server/cache-entry.ts'
import { copyData } from '../postgres/server/file-tree.ts'
import { EmbeddedServer, type ServerBase } from '../postgres/server/server.ts'
import type { Server } from '../postgres/session/server-address.ts'
import { shortHash } from '../short-hash.ts'
import { basesVariable } from './bases-of-a-run.ts'

export interface Installed {
  readonly server: Server
  /** Closes what is connected, and stops the server. */
  end(): Promise<void>
}

/** What others wait for in this process; workers that race make it twice, and one of both is kept. */
const made = new Map<string, Promise<string>>()

/** Null outside of a run of the tests, where nobody would remove it. */
export async function installedBase(
  name: string,
  install: () => Promise<Installed>,
): Promise<ServerBase | null> {
  const cache = process.env[basesVariable]
  if (cache === undefined) return null
  const entry = { cache, name: shortHash(name), access: 0o700, trustMs: Infinity }
  const ready = made.get(name) ?? cacheEntry(entry, (draft) => keep(draft, install))
  made.set(name, ready)
  const directory = await ready
  return {
    dataDirectory: join(directory, 'data'),
    password: await readFile(join(directory, 'password'), 'utf8'),
  }
}

/** Shut down in peace: a server that starts from this has nothing to recover. */
async function keep(draft: string, install: () => Promise<Installed>): Promise<void> {
  const { server, end } = await install()
  try {
    if (!(server instanceof EmbeddedServer)) throw new Error('only a server of ours can be copied')
    process.kill(server.pid, 'SIGINT')
    await server.exited
    await copyData(join(server.directory, 'data'), join(draft, 'data'), null)
    await writeFile(join(draft, 'password'), server.address.password ?? '', { mode: 0o600 })
  } finally {
    await end()
  }
}
