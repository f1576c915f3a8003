/** COPY to and from files, streamed: what is copied out is hashed on the way. */

import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from, to } from 'pg-copy-streams'
import type { Session } from './session.ts'

export interface CopiedFile {
  readonly rows: number
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
}

/**
 * Runs `COPY ... TO STDOUT` into a new file. The session must not be pipelined.
 * @throws the driver's error, or that of the file system (EEXIST, ENOSPC).
 */
export async function copyToFile(session: Session, sql: string, path: string): Promise<CopiedFile> {
  const hash = createHash('sha256')
  let bytes = 0
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      bytes += chunk.length
      done(null, chunk)
    },
  })
  const stream = session.client.query(to(sql))
  await pipeline(stream, counted, createWriteStream(path, { flags: 'wx', mode: 0o600 }))
  return { rows: stream.rowCount, bytes, sha256: hash.digest('hex') }
}

/** Runs `COPY ... FROM STDIN` from a file and returns how many rows the server stored. */
export async function copyFromFile(session: Session, sql: string, path: string): Promise<number> {
  const stream = session.client.query(from(sql))
  await pipeline(createReadStream(path), stream)
  return stream.rowCount
}

/** Hex SHA-256 of a file. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
