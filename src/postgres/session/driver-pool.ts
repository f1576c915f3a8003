/** A plain pool of the driver: the platform's own pools, limits and contexts are built on it. */

import pg from 'pg'
import { clientConfig, type SessionOptions } from './session.ts'

export interface DriverPoolOptions extends SessionOptions {
  /** Connections at most. */
  readonly max: number
  /** Age in seconds after which a connection is replaced when it is given back; 0 keeps it. Default 0. */
  readonly maxLifetimeSeconds?: number
  /** What the server shows in pg_stat_activity. Default `dotmac`. */
  readonly applicationName?: string
}

/** A pool of the driver; what it lends answers queries and is released. */
export type DriverPool = pg.Pool
export type DriverClient = pg.PoolClient

/**
 * Statements are sent without waiting for the answers before (`pipeline: false` waits), so that withTenant costs one
 * round trip. Values stay text, as the server sent them. A lost idle connection is replaced at the next
 * checkout.
 */
export function openDriverPool(options: DriverPoolOptions): DriverPool {
  const pool = new pg.Pool({
    ...clientConfig({ pipeline: true, ...options }),
    application_name: options.applicationName ?? 'dotmac',
    max: options.max,
    idleTimeoutMillis: 0,
    maxLifetimeSeconds: options.maxLifetimeSeconds ?? 0,
  })
  // Without listeners a connection that dies, idle or on loan, would end the process.
  const survive = () => undefined
  pool.on('error', survive)
  pool.on('connect', (client) => {
    client.on('error', survive)
  })
  return pool
}
