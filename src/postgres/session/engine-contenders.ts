/** The other ways of sending an attempt, for comparison with the engine: they share the driver with it. */

import { execFile } from 'node:child_process'
import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { childEnvironment } from '../server/launch.ts'
import type { ServerAddress } from './server-address.ts'
import { clientConfig, type SessionOptions } from './session.ts'

/** `BEGIN; context`, the statement, `ROLLBACK`: three messages without waiting, as many attempts as asked. */
export async function barePipelined(
  options: SessionOptions,
  script: readonly string[],
  attempts: number,
): Promise<void> {
  const client = new pg.Client(clientConfig(options))
  await client.connect()
  const answers: Promise<unknown>[] = []
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    for (const sql of script) answers.push(client.query(sql))
  }
  await Promise.all(answers)
  await client.end()
}

/** Every statement waits for the one before. */
export async function awaited(
  options: SessionOptions,
  script: readonly string[],
  attempts: number,
): Promise<void> {
  const client = new pg.Client(clientConfig({ ...options, pipeline: false }))
  await client.connect()
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    for (const sql of script) await client.query(sql)
  }
  await client.end()
}

/** Attempts a second by pgbench on one connection; null where it is not installed. */
export async function pgbench(
  address: ServerAddress,
  database: string,
  script: readonly string[],
): Promise<number | null> {
  const path = await findPgbench()
  if (path === null) return null
  const folder = await mkdtemp(join(tmpdir(), 'watertight-pgbench-'))
  try {
    await writeFile(join(folder, 'attempt.sql'), script.map((sql) => `${sql};\n`).join(''))
    const { stdout } = await promisify(execFile)(
      path,
      [
        '-n',
        '-c',
        '1',
        '-T',
        '2',
        '-f',
        join(folder, 'attempt.sql'),
        '-h',
        address.host,
        '-p',
        String(address.port),
        '-U',
        address.user,
        database,
      ],
      { env: { ...childEnvironment(), PGPASSWORD: address.password ?? '' } },
    )
    const tps = /^tps = ([\d.]+)/m.exec(stdout)?.[1]
    return tps === undefined ? null : Number(tps)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function findPgbench(): Promise<string | null> {
  const folders = [
    ...(process.env['PATH'] ?? '').split(':'),
    ...[18, 17, 16, 15, 14].map((major) => `/usr/lib/postgresql/${major}/bin`),
  ]
  for (const folder of folders.filter((each) => each !== '')) {
    const path = join(folder, 'pgbench')
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path
  }
  return null
}
