/** pg_dump of this machine: found by its version, run with the password out of sight, its rows counted. */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { WatertightError } from '../../errors.ts'
import { clientEnvironment, clientPrograms, type ClientProgram } from './client-programs.ts'
import type { ServerAddress } from '../session/server-address.ts'

export type PgDump = ClientProgram

/**
 * The newest pg_dump that is not older than the server: an older one refuses to work. Null when there is none.
 * https://www.postgresql.org/docs/current/app-pgdump.html#PG-DUMP-NOTES
 */
export async function findPgDump(serverVersionNum: number): Promise<PgDump | null> {
  const [best] = await clientPrograms('pg_dump')
  return best !== undefined && best.major >= Math.floor(serverVersionNum / 10_000) ? best : null
}

export interface DumpOptions {
  readonly address: ServerAddress
  readonly database: string
  /** Of pg_export_snapshot(): the dump holds what that transaction sees. */
  readonly snapshot: string
  /** New file. */
  readonly to: string
  /** Only this schema. */
  readonly schema?: string
}

export interface Dumped {
  readonly bytes: number
  readonly sha256: string
  /** Rows by qualified name, as pg_dump writes it after COPY. */
  readonly rows: ReadonlyMap<string, number>
}

/** Plain format, so that its rows can be counted. @throws WatertightError WATERTIGHT_PG_DUMP with its last lines. */
export async function runPgDump({ path }: PgDump, options: DumpOptions): Promise<Dumped> {
  const { address, database, snapshot } = options
  // Row security is left on, or the dump could not be restored: a materialized view is refreshed as its owner, whom
  // policies may bind. The login bypasses them, and the rows are counted against the snapshot.
  const child = spawn(
    path,
    [
      '--no-password',
      '--enable-row-security',
      '--snapshot',
      snapshot,
      '--format',
      'plain',
      '--encoding',
      'UTF8',
      ...(options.schema === undefined
        ? []
        : ['--schema', `"${options.schema.replaceAll('"', '""')}"`]),
    ],
    { env: clientEnvironment(address, database), stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000)
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  const lines = new PassThrough()
  const hash = createHash('sha256')
  let bytes = 0
  const counting = rowsInDump(lines)
  await pipeline(
    child.stdout,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk)
        bytes += chunk.length
        if (!lines.write(chunk)) await once(lines, 'drain')
        yield chunk
      }
      lines.end()
    },
    createWriteStream(options.to, { flags: 'wx', mode: 0o600, flush: true }),
  )
  const [code] = await closed
  if (code !== 0) {
    throw new WatertightError(
      'WATERTIGHT_PG_DUMP',
      `pg_dump of ${database} ended with ${code}: ${said.trim()}`,
      { hint: 'The lines above are its own last words' },
    )
  }
  return { bytes, sha256: hash.digest('hex'), rows: await counting }
}

/** SHA-256 of a file in hex digits. */
export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Schema and name, each quoted where it must be. */
const copyHeader =
  /^COPY ((?:"(?:[^"]|"")*"|[^".\s]+)\.(?:"(?:[^"]|"")*"|[^"\s]+)) \(.*\) FROM stdin;$/s

/**
 * Rows by table in a plain dump: between `COPY name (...) FROM stdin;` and `\\.` each line is one. A name that holds a
 * line break makes a header of several lines: it is not over before its quotes are.
 */
export async function rowsInDump(input: Readable): Promise<ReadonlyMap<string, number>> {
  const rows = new Map<string, number>()
  let table: string | null = null
  let header = ''
  for await (const line of createInterface({ input, crlfDelay: 0 })) {
    if (table !== null) {
      if (line === '\\.') table = null
      else rows.set(table, (rows.get(table) ?? 0) + 1)
      continue
    }
    header = header === '' ? line : `${header}\n${line}`
    const isOpen = header.startsWith('COPY ') && (header.match(/"/g) ?? []).length % 2 === 1
    if (isOpen) continue
    table = copyHeader.exec(header)?.[1] ?? null
    if (table !== null) rows.set(table, 0)
    header = ''
  }
  return rows
}
