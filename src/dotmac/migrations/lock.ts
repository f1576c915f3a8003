/** One migration at a time: an advisory lock of the session, which ends with it whatever happens. */

import { setTimeout as sleep } from 'node:timers/promises'
import { WatertightError } from '../../errors.ts'
import type { Session } from '../../postgres/session/session.ts'

/** 'dotmac mi' as a number: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS */
const migrationLock = '7234314520340164969'
const retryMs = 100

/**
 * Holds the lock of the session's database while the work runs.
 * @throws WatertightError WATERTIGHT_MIGRATION_LOCKED when another run holds it for longer than lockWaitMs.
 */
export async function locked<T>(
  session: Session,
  { lockWaitMs = 30_000 }: { readonly lockWaitMs?: number },
  work: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + lockWaitMs
  while (!(await tryLock(session))) {
    if (Date.now() >= deadline) {
      throw new WatertightError(
        'WATERTIGHT_MIGRATION_LOCKED',
        'Another migration of this database is running',
        { hint: 'Wait for it to end: its lock ends with its connection' },
      )
    }
    await sleep(retryMs)
  }
  try {
    return await work()
  } finally {
    // A lost connection has released it already.
    await session.query(`SELECT pg_advisory_unlock(${migrationLock})`).catch(() => undefined)
  }
}

async function tryLock(session: Session): Promise<boolean> {
  const [row] = await session.query(`SELECT pg_try_advisory_lock(${migrationLock}) AS mine`)
  return row?.['mine'] === 't'
}
