/** Whether a server that the user named has room for a run: asked first, because a full one fails slowly and late. */

import { WatertightError } from '../../errors.ts'
import type { Session } from '../../postgres/session/session.ts'

/** The most that a run of one thread was seen to hold, pools and poolers included, and some to spare. */
const neededByRun = 60
/** A further thread opens sessions of its own in each database, and no pools. */
const neededByThread = 20

/** @throws WatertightError WATERTIGHT_CONNECTIONS with the number that is needed. */
export async function requireConnections(
  admin: Session,
  { label, workers }: { readonly label: string; readonly workers: number },
): Promise<void> {
  const [row] = await admin.query(`SELECT current_setting('max_connections')::int AS most,
    (SELECT sum(setting::int) FROM pg_catalog.pg_settings
     WHERE name IN ('superuser_reserved_connections', 'reserved_connections')) AS reserved,
    (SELECT count(*) FROM pg_catalog.pg_stat_activity
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) AS used`)
  const [most, reserved, used] = ['most', 'reserved', 'used'].map((name) => Number(row?.[name]))
  const free = (most ?? 0) - (reserved ?? 0) - (used ?? 0)
  const needed = neededByRun + (workers - 1) * neededByThread
  if (free >= needed) return
  throw new WatertightError(
    'WATERTIGHT_CONNECTIONS',
    `${label} has ${Math.max(free, 0)} connections to spare (max_connections ${most}, ${reserved} reserved, ` +
      `${used} in use), and ${needed} are needed`,
    { hint: `Raise max_connections to ${(most ?? 0) + needed - free}, or end what is connected` },
  )
}
