/** COPY FROM STDIN with backpressure: the fastest way in, and the only one used for seeding. */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from } from 'pg-copy-streams'
import { identifier } from '../../sql/identifier.ts'
import type { Session } from './session.ts'

export interface CopySource {
  /** Qualified, quoted name. */
  readonly relation: string
  readonly columns: readonly string[]
  readonly rows: Iterable<readonly (string | null)[]>
}

/** Characters gathered before they are handed to the socket. */
const chunkLength = 64 * 1024

/**
 * Copies the rows in, in text format, and returns how many the server stored; the session must not be
 * pipelined. @throws the driver's error, or the one of `rows`; the server then keeps none of them.
 * https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
 */
export async function copyRows(
  session: Session,
  { relation, columns, rows }: CopySource,
): Promise<number> {
  const lines = function* (): Generator<string> {
    let chunk = ''
    for (const row of rows) {
      chunk += `${row.map(field).join('\t')}\n`
      if (chunk.length >= chunkLength) {
        yield chunk
        chunk = ''
      }
    }
    if (chunk !== '') yield chunk
  }
  const stream = session.client.query(
    from(`COPY ${relation} (${columns.map(identifier).join(', ')}) FROM STDIN`),
  )
  await pipeline(Readable.from(lines()), stream)
  return stream.rowCount
}

function field(value: string | null): string {
  if (value === null) return '\\N'
  return /[\\\t\n\r]/.test(value)
    ? value
        .replaceAll('\\', '\\\\')
        .replaceAll('\t', '\\t')
        .replaceAll('\n', '\\n')
        .replaceAll('\r', '\\r')
    : value
}
