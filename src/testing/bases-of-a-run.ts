/** Where the workers of one run of the tests keep what each of them may start from. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const basesVariable = 'WATERTIGHT_TEST_BASES'

/** Called by vitest before the first worker starts. */
export async function setup(): Promise<void> {
  process.env[basesVariable] = await mkdtemp(join(tmpdir(), 'watertight-bases-'))
}

/** Called after the last worker ended. */
export async function teardown(): Promise<void> {
  await rm(process.env[basesVariable] ?? '', { recursive: true, force: true })
}
