/** COPY between a server and a file, hashed on the way: what backups are written and read with. */

import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { Transform } from 'node:stream'
import { from, to } from 'pg-copy-streams'
import type { Session } from './session.ts'

export interface CopiedFile {
  readonly bytes: number
  /** Rows: lines of the text format, which has no line break inside a value. */
  readonly rows: number
  /** Hex digits. */
  readonly sha256: string
}

/**
 * Writes what `COPY ... TO STDOUT` sends into a new file and flushes it to disk; the session must not be
 * pipelined. @throws the driver's error, or the one of the file system (EEXIST, ENOSPC, EACCES).
 * https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
 */
export async function copyToFile(session: Session, sql: string, path: string): Promise<CopiedFile> {
  const counter = new Counter()
  const stream = session.client.query(to(sql))
  await pipeline(
    stream,
    counter,
    createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }),
  )
  return counter.result()
}

/** Sends a file to `COPY ... FROM STDIN`; returns the rows that the server stored and what was sent. */
export async function copyFromFile(
  session: Session,
  sql: string,
  path: string,
): Promise<CopiedFile & { readonly stored: number }> {
  const counter = new Counter()
  const stream = session.client.query(from(sql))
  await pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), counter, stream)
  return { ...counter.result(), stored: stream.rowCount }
}

/** What is in a file of the text format. */
export async function readCopiedFile(path: string): Promise<CopiedFile> {
  const counter = new Counter()
  await pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), counter, async (chunks) => {
    for await (const chunk of chunks) void chunk
  })
  return counter.result()
}

class Counter extends Transform {
  #bytes = 0
  #rows = 0
  readonly #hash = createHash('sha256')

  override _transform(
    chunk: Buffer,
    _encoding: string,
    done: (error: null, chunk: Buffer) => void,
  ): void {
    this.#bytes += chunk.length
    this.#hash.update(chunk)
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) this.#rows += 1
    done(null, chunk)
  }

  result(): CopiedFile {
    return { bytes: this.#bytes, rows: this.#rows, sha256: this.#hash.digest('hex') }
  }
}
