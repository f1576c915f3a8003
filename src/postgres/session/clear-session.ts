/** What a pool does with a connection between two borrowers: nothing of the one may be there for the other. */

import type { Socket } from 'node:net'
import type { DriverClient } from './driver-pool.ts'

/**
 * DISCARD ALL without the plans, which are nobody's data and dear to make. First what could get into the way of the
 * others: a time limit, a path. https://www.postgresql.org/docs/current/sql-discard.html
 */
const clear = `RESET ALL; SET SESSION AUTHORIZATION DEFAULT; CLOSE ALL; DEALLOCATE ALL; UNLISTEN *;
  SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES`

/** The part of the driver's connection that is not in its types. */
interface Connection {
  readonly stream: Socket
  /** Statements that the driver takes to be prepared, by name. */
  parsedStatements: Readonly<Record<string, string>>
}

/**
 * Sent and not waited for: the connection answers in order, so that the next borrower's first statement comes after it.
 * Where it fails the connection is cut, and with it everything that was sent behind.
 */
export function clearSession(client: DriverClient): void {
  const cut = () => {
    cutOff(client)
  }
  if ((client as { getTransactionStatus?(): string | null }).getTransactionStatus?.() !== 'I') {
    client.query('ROLLBACK').catch(cut)
  }
  client.query(clear).catch(cut)
  connectionOf(client).parsedStatements = {}
}

/** Ends the connection at once, also when a statement runs on it. */
export function cutOff(client: DriverClient): void {
  connectionOf(client).stream.destroy()
}

function connectionOf(client: DriverClient): Connection {
  return (client as unknown as { readonly connection: Connection }).connection
}
