/** A script that waits for its COMMIT, and the process that should have given it. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sourcesAsJavaScript } from '../../testing/sources-as-javascript.ts'
import { clientPrograms } from './client-programs.ts'
import { PsqlTransaction, type PsqlOptions } from './psql.ts'
import { startEmbeddedServer } from '../server/server.ts'
import { Session } from '../session/session.ts'

const isMissing = (await clientPrograms('psql')).length === 0
const why = isMissing ? ' (left out: no psql is installed)' : ''

async function withScript(
  script: string,
  work: (options: PsqlOptions, session: Session) => Promise<void>,
): Promise<void> {
  await using server = await startEmbeddedServer()
  const scratch = await mkdtemp(join(tmpdir(), 'psql-'))
  try {
    const database = 'postgres'
    await using session = await Session.connect({
      address: server.address,
      database,
      pipeline: false,
    })
    const file = join(scratch, 'script.sql')
    await writeFile(file, script)
    await work({ address: server.address, database, file, proof: 'SELECT 1;' }, session)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const stands = async (session: Session) =>
  (await session.query("SELECT to_regclass('brought_back') IS NOT NULL AS stands"))[0]?.[
    'stands'
  ] === 't'

test.skipIf(isMissing)(
  `a script stands when it was committed and not before${why}`,
  async () => {
    await withScript('CREATE TABLE brought_back (n int);', async (options, session) => {
      {
        await using _undone = await PsqlTransaction.run(options)
      }
      expect(await stands(session)).toBe(false)
      await using transaction = await PsqlTransaction.run(options)
      expect(await stands(session)).toBe(false)
      await transaction.commit()
      expect(await stands(session)).toBe(true)
    })
  },
  60_000,
)

test.skipIf(isMissing)(
  `what fails in the proof undoes the script, and is quoted${why}`,
  async () => {
    await withScript('CREATE TABLE brought_back (n int);', async (options, session) => {
      await expect(
        PsqlTransaction.run({ ...options, proof: "SELECT 'no number'::int;" }),
      ).rejects.toMatchObject({
        code: 'WATERTIGHT_PSQL',
        message: expect.stringContaining('no number') as string,
      })
      expect(await stands(session)).toBe(false)
    })
  },
  60_000,
)

test.skipIf(isMissing)(
  `a process that is killed before it commits has committed nothing${why}`,
  async () => {
    await using build = await sourcesAsJavaScript()
    await withScript('CREATE TABLE brought_back (n int);', async (options, session) => {
      const child = spawn(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `
      const { PsqlTransaction } = await import(${JSON.stringify(build.urlOf('postgres/programs/psql.ts'))})
      await PsqlTransaction.run(${JSON.stringify(options)})
      process.kill(process.pid, 'SIGKILL')`,
        ],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      )
      expect(await once(child, 'close')).toEqual([null, 'SIGKILL'])
      // psql reads the end of its input, and the server the end of psql.
      await expect
        .poll(
          async () =>
            (
              await session.query(`SELECT FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`)
            ).length,
        )
        .toBe(0)
      expect(await stands(session)).toBe(false)
    })
  },
  60_000,
)
