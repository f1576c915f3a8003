/**
 * A server that stands still answers nothing and ends no connection: its own time limits stand still with it.
 * Whoever waits longer than any statement may take is cut off, and so finds out.
 */

import type { Client } from 'pg'
import type { Socket } from 'node:net'

/** What the driver's client has that is not in its types. */
interface Waiting {
  /** False while a statement has no answer yet. */
  readonly readyForQuery: boolean
  /** Another one once the connection is encrypted. */
  readonly connection: { readonly stream: Socket }
}

const looksPerLimit = 8

/** Ends the connection when nothing went in either direction for the time in ms although an answer is due. */
export function losePatience(client: Client, limitMs: number): void {
  const waiting = client as unknown as Waiting
  let seen = -1
  let sinceMs = performance.now()
  const look = setInterval(() => {
    const { stream } = waiting.connection
    const moved = stream.bytesRead + stream.bytesWritten
    if (moved !== seen || waiting.readyForQuery) {
      seen = moved
      sinceMs = performance.now()
    } else if (performance.now() - sinceMs >= limitMs) {
      clearInterval(look)
      const seconds = Math.round(limitMs / 1_000)
      stream.destroy(
        Object.assign(new Error(`the server did not answer for ${seconds} s`), {
          code: 'ETIMEDOUT',
          syscall: 'read',
        }),
      )
    }
  }, limitMs / looksPerLimit)
  look.unref()
  client.once('end', () => {
    clearInterval(look)
  })
}
