/** What happens to an open request: it is cancelled, cut, nested, and goes on after errors. */

import { setTimeout as sleep } from 'node:timers/promises'
import { sqlstateOf } from '../errors.ts'
import type { StrategySession } from '../model/context-strategy.ts'
import type { Row } from '../model/observation.ts'
import type { TenantId } from '../model/tenant.ts'
import { WitnessSeen, type RequestRun } from './request-run.ts'
import { backendIn } from './backend-in.ts'

const lossNoticedMs = 2_000

/** A statement is cancelled from outside while it runs: 57014, and the transaction is aborted. */
export async function cancel(run: RequestRun, slot: number): Promise<void> {
  const pid = await backendOf(run, slot)
  if (pid === null) return
  let running = true
  const waiting = run.disturb(slot, 'SELECT pg_sleep(4)').finally(() => {
    running = false
  })
  // A cancel that arrives before the statement runs is lost, so it is repeated until the statement ended.
  while (running) {
    await Promise.race([waiting, sleep(3)])
    if (running) await run.scene.interrupter.cancel(pid)
  }
  await waiting
}

/** The backend is ended while its session is lent; the pool must replace the connection. */
export async function cut(run: RequestRun, slot: number): Promise<void> {
  const request = run.request(slot)
  const pid = await backendOf(run, slot)
  if (request === null || pid === null) return
  request.cut = true
  request.contextCertain = false
  await run.scene.interrupter.terminate([pid])
  // The driver learns of it with the next answer and then with the end of the socket.
  for (let tries = 0; tries < 50; tries += 1) {
    const error = await request.session.query('SELECT 1').then(
      () => null,
      (failure: unknown) => failure,
    )
    if (error === null || sqlstateOf(error) === null) return
    await sleep(2)
  }
}

/** An operator ends the idle connections of the application: the pool opens new ones. */
export async function loseConnections(run: RequestRun): Promise<void> {
  const idleBefore = run.idleConnections
  const lost = await run.scene.interrupter.terminate(run.spans.map(({ pid }) => pid))
  // A pool learns of it a moment later; until then it would hand out what is dead already.
  const untilMs = performance.now() + lossNoticedMs
  while (run.idleConnections > idleBefore - lost && performance.now() < untilMs) await sleep(2)
}

/** An error inside a savepoint, and on: what was bound before it must still be bound. */
export async function recover(run: RequestRun, slot: number): Promise<void> {
  for (const sql of ['SAVEPOINT recover', 'SELECT 1/0', 'ROLLBACK TO SAVEPOINT recover']) {
    await run.disturb(slot, sql, { certain: true })
  }
}

/** The look as a SQL prepared statement that an earlier tenant may have prepared on this connection. */
export async function lookPrepared(run: RequestRun, slot: number): Promise<void> {
  const request = run.request(slot)
  if (request === null) return
  const sql = "SELECT 1 FROM pg_prepared_statements WHERE name = 'canary_statement'"
  const known = await request.inside(() => run.observe(request.session, sql)).catch(() => null)
  if (known === null) return
  await run.disturb(slot, "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)", {
    certain: true,
  })
  if (known.length === 0) {
    const prepared = await run.disturb(slot, `PREPARE canary_statement AS ${run.scene.probeSql}`, {
      certain: true,
    })
    if (!prepared) request.contextCertain = false
  }
  await run.lookAs(request, 'EXECUTE canary_statement')
}

/** The look as the driver's named statement: parsed once for each connection, executed for every tenant. */
export async function lookNamed(run: RequestRun, slot: number): Promise<void> {
  const request = run.request(slot)
  if (request === null) return
  // Sessions that strategies wrap take texts only; the driver's own client takes names.
  if (!isOfTheDriver(request.session)) return run.look(slot)
  const named = { name: 'canary_named', text: run.scene.probeSql } as unknown as string
  try {
    const { rows } = await request.inside(() => request.session.query(named))
    run.judge(rows as readonly Row[], request.tenant, false)
  } catch (error) {
    if (error instanceof WitnessSeen) throw error
    // DISCARD ALL ends statements that the driver believes to be there (26000): a denial, no leak.
    request.contextCertain = false
  }
}

/** The request of another tenant inside the work of this one; afterwards this one must be as before. */
export async function nest(run: RequestRun, slot: number, tenantId: TenantId): Promise<void> {
  const outer = run.request(slot)
  if (outer === null) return
  const inner = await outer.inside(() => run.begin(run.scene.world.tenant(tenantId), outer.pool))
  try {
    await run.lookAs(inner)
  } finally {
    await run.end(inner)
  }
  await run.look(slot)
}

export function isOfTheDriver(session: StrategySession): boolean {
  return 'escapeIdentifier' in session
}

async function backendOf(run: RequestRun, slot: number): Promise<number | null> {
  const request = run.request(slot)
  if (request === null || request.cut) return null
  const rows = await request
    .inside(() => run.observe(request.session, 'SELECT pg_backend_pid() AS pid'))
    .catch(() => null)
  return rows === null ? null : backendIn(rows)
}
