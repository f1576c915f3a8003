/** Where the workers of one run of the tests keep what each of them may start from. */

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const basesVariable = 'WATERTIGHT_TEST_BASES'

const prefix = 'watertight-bases-'

/** Called by vitest before the first worker starts. */
export async function setup(): Promise<void> {
  await removeAbandoned()
  process.env[basesVariable] = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
}

/** A run that was killed removed nothing, and what it left is a hundred megabytes. */
async function removeAbandoned(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(prefix))
  for (const name of names) {
    const pid = Number(name.slice(prefix.length).split('-')[0])
    if (pid > 0 && !isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Called after the last worker ended. */
export async function teardown(): Promise<void> {
  await rm(process.env[basesVariable] ?? '', { recursive: true, force: true })
}
