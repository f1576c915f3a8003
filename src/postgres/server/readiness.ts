/** Finds out by a real connection whether a server answers; a line in its log would not prove that. */

import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { ServerAddress } from '../session/server-address.ts'

export interface ReadinessOptions {
  readonly database: string
  /** Run on the first connection, to prove that statements are answered. */
  readonly statement: string
  readonly timeLimitMs: number
}

const PAUSE_MS = 20
/** Nobody listens yet, the socket does not exist yet, or the server says that it is starting up. */
const NOT_YET = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', '57P03'])

/**
 * Resolves when the server has answered. Rejects with the driver's error when it refuses, or when the time is
 * over; ends early when `gaveUp` is aborted.
 */
export async function untilReady(
  address: ServerAddress,
  options: ReadinessOptions,
  gaveUp: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + options.timeLimitMs
  for (;;) {
    try {
      return await askOnce(address, options, Math.max(deadline - Date.now(), 1))
    } catch (error) {
      const code = String((error as NodeJS.ErrnoException).code)
      if (gaveUp.aborted || !NOT_YET.has(code) || Date.now() + PAUSE_MS >= deadline) throw error
    }
    await pause(PAUSE_MS)
  }
}

async function askOnce(
  address: ServerAddress,
  options: ReadinessOptions,
  limitMs: number,
): Promise<void> {
  const client = new pg.Client({
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password ?? '',
    database: options.database,
    ssl: false,
    application_name: 'watertight',
    connectionTimeoutMillis: limitMs,
    query_timeout: limitMs,
    ...(address.options === undefined ? {} : { options: address.options }),
  })
  // The server may die under the open connection; the statement then fails, which is what we report.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(options.statement)
  } finally {
    await client.end()
  }
}
