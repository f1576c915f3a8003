import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startEmbeddedServer } from '../../postgres/server/server.ts'
import { Session } from '../../postgres/session/session.ts'
import { reportOf } from '../../testing/door.ts'

/** Kills backends of attacks as the kernel would, until enough are dead or `isOver`: every connection ends. */
async function crashBackends(
  server: Awaited<ReturnType<typeof startEmbeddedServer>>,
  { times, isOver }: { readonly times: number; readonly isOver: () => boolean },
): Promise<number> {
  let crashed = 0
  while (crashed < times && !isOver()) {
    await setTimeout(20)
    try {
      await using admin = await Session.connect({ address: server.address, database: 'postgres' })
      const [victim] = await admin.query(`SELECT pid FROM pg_stat_activity
        WHERE usename LIKE '%app' AND (query = 'ROLLBACK' OR query LIKE '%LIMIT 200%') LIMIT 1`)
      if (victim === undefined) continue
      process.kill(Number(victim['pid']), 'SIGKILL')
      crashed += 1
    } catch {
      // In recovery, or the backend ended by itself: the next try finds another one.
    }
  }
  return crashed
}

test('a backend that crashes under an attack costs a second try, not the verdict; nothing stays behind', async () => {
  const server = await startEmbeddedServer()
  try {
    const { address } = server
    const login = `${address.user}:${encodeURIComponent(address.password ?? '')}`
    const target = `postgres://${login}@localhost:${address.port}/postgres?host=${encodeURIComponent(address.host)}`
    let isOver = false
    const [report, crashed] = await Promise.all([
      reportOf('verify', { target, grep: 'reads-by-grammar', mode: 'rls' }).finally(() => {
        isOver = true
      }),
      crashBackends(server, { times: 1, isOver: () => isOver }),
    ])
    expect(crashed).toBe(1)
    const unsure = report.verdicts
      .flatMap(({ cells }) => cells)
      .filter(({ outcome }) => outcome !== 'holds')
    expect(
      unsure.map(({ object, path, reason, indeterminate }) => [
        object,
        path,
        reason,
        indeterminate,
      ]),
    ).toEqual([])
    await using admin = await Session.connect({ address, database: 'postgres' })
    expect(
      await admin.query(`SELECT datname FROM pg_database WHERE datname LIKE 'watertight%'`),
    ).toEqual([])
  } finally {
    await server.stop()
  }
}, 120_000)
