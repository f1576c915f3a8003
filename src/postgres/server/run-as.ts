/**
 * Whom server processes run as. PostgreSQL and pgbouncer refuse to run as root, and containers and CI
 * machines are root, so root lends the servers an unprivileged user that already exists.
 */

import { chown, readFile } from 'node:fs/promises'
import { WatertightError } from '../../errors.ts'

export interface RunAs {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const CANDIDATES = ['postgres', '_postgres', 'nobody']

/**
 * The user to drop to, or null when we are an ordinary user and stay who we are.
 * @throws WatertightError WATERTIGHT_NO_USER when we are root and the machine knows none of them.
 */
export async function unprivilegedUser(): Promise<RunAs | null> {
  if (process.geteuid?.() !== 0) return null
  const users = parsePasswd(await readFile('/etc/passwd', 'utf8'))
  for (const name of CANDIDATES) {
    const user = users.find((entry) => entry.name === name)
    if (user !== undefined) return user
  }
  throw new WatertightError(
    'WATERTIGHT_NO_USER',
    `PostgreSQL refuses to run as root and none of the users ${CANDIDATES.join(', ')} exists here`,
    {
      hint: 'Create one (useradd -r postgres), run as an ordinary user, or name a server with --target',
    },
  )
}

/** Gives a file or directory to the user the server runs as; nothing to do when that is ourselves. */
export async function giveTo(owner: RunAs | null, path: string): Promise<void> {
  if (owner !== null) await chown(path, owner.uid, owner.gid)
}

function parsePasswd(text: string): RunAs[] {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name: name ?? '', uid: Number(uid), gid: Number(gid) }))
    .filter((user) => user.name !== '' && user.uid > 0 && user.gid > 0)
}
