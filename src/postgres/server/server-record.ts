/**
 * What each server directory says about itself, so that a later run, or the watchdog, can tell an
 * abandoned server from a living one without trusting a bare process id.
 */

import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  identifyProcess,
  processScope,
  type ProcessIdentity,
  type ProcessScope,
} from './process-identity.ts'

export type ShutdownStep = readonly [signal: NodeJS.Signals, patienceMs: number]

export interface ServerRecord {
  readonly scope: ProcessScope
  /** The watertight process that started the server. */
  readonly owner: ProcessIdentity
  /** The server process, null before it runs. */
  readonly process: ProcessIdentity | null
  /** Every file of the server lies below; its command line names a path in here. */
  readonly directory: string
  /** Where postmaster.pid appears, null for a server that writes none. */
  readonly dataDirectory: string | null
  /** How to stop it, gentlest first. */
  readonly shutdown: readonly ShutdownStep[]
}

const FILE = 'server.json'

/** Atomic: a reader sees the old record or the new one. */
export async function writeServerRecord(record: ServerRecord): Promise<void> {
  const path = join(record.directory, FILE)
  const draft = `${path}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, JSON.stringify(record), { mode: 0o600 })
  await rename(draft, path)
}

/** Null when the directory is just being made or removed by somebody. */
export async function readServerRecord(directory: string): Promise<ServerRecord | null> {
  try {
    return JSON.parse(await readFile(join(directory, FILE), 'utf8')) as ServerRecord
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // No directory at all, or what a disk that was full left of a record: nothing that names a server.
    if (code === 'ENOENT' || code === 'ENOTDIR' || error instanceof SyntaxError) return null
    throw error
  }
}

/** True only when the owner is proven gone; an owner in another container or machine cannot be judged. */
export async function isAbandoned(record: ServerRecord): Promise<boolean> {
  const here = await processScope()
  if (record.scope.host !== here.host) return false
  if (record.scope.boot !== here.boot) return true
  if (record.scope.namespace !== here.namespace) return false
  const found = await identifyProcess(record.owner.pid)
  return found === null || found.startTime !== record.owner.startTime
}
