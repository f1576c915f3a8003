/** Poolers on which a strategy is tried: the driver's own pool, and pgbouncer in front of the server. */

import type { ServerAddress } from '../postgres/session/server-address.ts'
import { discardAll, type Lease } from '../postgres/session/warm-connections.ts'
import { RecordedPool } from '../postgres/session/recorded-pool.ts'
import { clientOptionsOf, type World } from '../world/world.ts'

export interface PoolerRig {
  readonly kind: 'driver' | 'pgbouncer'
  readonly title: string
  /**
   * A pool with few connections that carry nothing of an earlier pool. `lease` lends what was used before and emptied;
   * a pooler has connections of its own.
   */
  open(world: World, lease: Lease): RecordedPool
  /** Requests that may be open at the same time. */
  readonly slots: number
}

/** The driver's pool with two connections. */
export const driverPool: PoolerRig = {
  kind: 'driver',
  title: 'pg pool',
  slots: 2,
  open: (world, { Client }) =>
    new RecordedPool({ ...poolLogin(world), address: world.options.address, max: 2, Client }),
}

export interface PgbouncerRigOptions {
  readonly title: string
  readonly address: ServerAddress
  /** Names under which pgbouncer serves the database; each has server connections of its own. */
  readonly aliasesOf: (world: World) => readonly string[]
}

/**
 * pgbouncer with one server connection per alias. Every checkout is a new client, so what one leaves
 * behind can only reach the next through the shared backend. A run takes an alias of its own, because
 * server connections outlive the pools in front of them: one whose connection was emptied, or the next.
 */
export function pgbouncerRig({ title, address, aliasesOf }: PgbouncerRigOptions): PoolerRig {
  let next = 0
  return {
    kind: 'pgbouncer',
    title,
    slots: 1,
    open: (world, lease) => {
      const aliases = aliasesOf(world)
      const kind = `${title} ${world.database}`
      const database = lease.take(kind) ?? aliases[next++ % aliases.length] ?? world.database
      const login = { ...poolLogin(world), address, database }
      lease.offer({ kind, name: database, empty: () => discardAll(login) })
      return new RecordedPool({ ...login, max: 4, maxUses: 1 })
    },
  }
}

function poolLogin(world: World) {
  const { database, login } = clientOptionsOf(world)
  return { database, login }
}
