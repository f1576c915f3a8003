/**
 * Tells whether a process id still means the process we once knew. Ids are reused, so an id alone must never
 * decide what is signalled or removed; the kernel's start time beside it does.
 */

import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { promisify } from 'node:util'

export interface ProcessIdentity {
  readonly pid: number
  /** Opaque and comparable only on one machine since one boot; null where the system does not tell. */
  readonly startTime: string | null
}

/** Where process ids have a meaning: containers and machines may share one cache directory. */
export interface ProcessScope {
  readonly host: string
  readonly boot: string
  readonly namespace: string
}

/**
 * The process behind an id, or null when there is none or only a zombie is left of it.
 * The watchdog's program computes the same start time; change both or neither.
 */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | null> {
  if (process.platform === 'linux') return await identifyFromProc(pid)
  if (process.platform === 'win32') return isAlive(pid) ? { pid, startTime: null } : null
  return await identifyFromPs(pid)
}

export async function processScope(): Promise<ProcessScope> {
  if (process.platform !== 'linux') return { host: hostname(), boot: '', namespace: '' }
  const [boot, namespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readlink('/proc/self/ns/pid'),
  ])
  return { host: hostname(), boot: boot.trim(), namespace }
}

/** Source: proc_pid_stat(5); field 22 counts ticks since boot. The name in field 2 may hold spaces. */
async function identifyFromProc(pid: number): Promise<ProcessIdentity | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return null
    throw error
  })
  if (text === null) return null
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return 'ZX'.includes(fields[0] ?? '') ? null : { pid, startTime: fields[19] ?? null }
}

async function identifyFromPs(pid: number): Promise<ProcessIdentity | null> {
  const columns = ['-o', 'state=', '-o', 'lstart=', '-p', String(pid)]
  const answer = await promisify(execFile)('ps', columns, {
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  }).catch((error: unknown) => {
    // ps exits with 1 when it knows no such process.
    if ((error as { code?: unknown }).code === 1) return { stdout: '' }
    throw error
  })
  const [state, ...startTime] = answer.stdout.trim().split(/\s+/)
  return state === undefined || state === '' || state.startsWith('Z')
    ? null
    : { pid, startTime: startTime.join(' ') }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
