/** What happens to an open request: it is cancelled, cut, nested, goes on after errors, finds leftovers. */

import { setTimeout as sleep } from 'node:timers/promises'
import { sqlstateOf } from '../errors.ts'
import type { StrategyPool, StrategySession } from '../model/context-strategy.ts'
import type { Row } from '../model/observation.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import { foundIn, inventorySql, leaveSql, leftName, readSql, type FoundLeftover, type LeftoverKind } from './leftovers.ts'
import type { Request, RequestRun } from './request-run.ts'
import { WitnessSeen } from './request-run.ts'
import { contextColumns } from './session-context.ts'

/** A statement is cancelled from outside while it runs: 57014, and the transaction is aborted. */
export async function cancel(run: RequestRun, slot: number): Promise<void> {
  const pid = await backendOf(run, slot)
  if (pid === null) return
  let running = true
  const waiting = run.disturb(slot, 'SELECT pg_sleep(4)').finally(() => { running = false })
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
  await run.scene.interrupter.terminate(pid)
  // The driver learns of it with the next answer and then with the end of the socket.
  for (let tries = 0; tries < 50; tries += 1) {
    const error = await request.session.query('SELECT 1').then(() => null, (failure: unknown) => failure)
    if (error === null || sqlstateOf(error) === null) return
    await sleep(2)
  }
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
  await run.disturb(slot, "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)", { certain: true })
  if (known.length === 0) {
    const prepared = await run.disturb(slot, `PREPARE canary_statement AS ${run.scene.probeSql}`, { certain: true })
    if (!prepared) request.contextCertain = false
  }
  await run.lookAs(request, 'EXECUTE canary_statement')
}

/** The look as the driver's named statement: parsed once for each connection, executed for every tenant. */
export async function lookNamed(run: RequestRun, slot: number): Promise<void> {
  const request = run.request(slot)
  if (request === null) return
  // Sessions that strategies wrap take texts only; the driver's own client takes names.
  if (!('escapeIdentifier' in request.session)) return run.look(slot)
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

/** The work leaves something on its connection. */
export async function leave(run: RequestRun, slot: number, kind: LeftoverKind): Promise<void> {
  const request = run.request(slot)
  if (request !== null) await run.disturb(slot, leaveSql(kind, request.tenant, run.scene), { certain: kind !== 'role' })
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

/** The request asks what is on its connection and reads it; what is another tenant's is a witness. */
export async function rummage(run: RequestRun, slot: number): Promise<void> {
  const request = run.request(slot)
  if (request === null) return
  const done = await request.inside(() => readLeftovers(run, request.session, request.tenant))
  if (!done) request.contextCertain = false
}

/** A checkout that never names a tenant: a forgotten code path. It must see nobody's rows. */
export async function lookWithoutTenant(run: RequestRun): Promise<void> {
  const client = await (run.pool as StrategyPool).connect()
  try {
    await lookAsNobody(run, client, 'A checkout without a tenant')
    await readLeftovers(run, client, null)
  } finally {
    client.release()
  }
}

/** Work that was not awaited goes on after its request ended, on a connection that now is nobody's. */
export async function lookLate(run: RequestRun): Promise<void> {
  const late = run.handedBack
  if (late !== null) await lookAsNobody(run, late.session, `A late query of tenant ${late.tenant.id}`)
}

async function lookAsNobody(run: RequestRun, session: StrategySession, who: string): Promise<void> {
  // Where the table is out of reach without a context, the context alone is asked for.
  const rows = await run.observe(session).catch(() => null)
    ?? await run.observe(session, `SELECT ${contextColumns}`).catch(() => [])
  const [foreign] = rows.flatMap((row) => run.ownersIn(row))
  if (foreign !== undefined) {
    run.testify({
      sentence: `${who} reads rows of ${foreign}, whose request used the connection before`, rows, victim: foreign,
    })
  }
  const [claim] = run.claimsIn(rows)
  if (claim !== undefined) {
    run.testify({
      sentence: `${who} finds the context of ${claim.tenant.id} on its connection, says ${claim.by}`,
      rows, victim: claim.tenant.id, severity: 'high',
    })
  }
}

async function readLeftovers(run: RequestRun, session: StrategySession, reader: Tenant | null): Promise<boolean> {
  const who = reader === null ? 'A checkout without a tenant' : `A request of tenant ${reader.id}`
  const found = await run.observe(session, inventorySql).then(foundIn, () => null)
  for (const each of found ?? []) {
    const sql = readSql(each)
    const rows = sql === null ? [{ text: each.text }] : await run.observe(session, sql).catch(() => null)
    if (rows === null) return false
    const victim = rows.flatMap((row) => run.ownersIn(row)).find((owner) => owner !== reader?.id)
    if (victim !== undefined) {
      run.testify({
        sentence: `${who} finds a ${each.kind} on its connection and reads in it what is ${victim}'s`, rows, victim,
      })
    }
    const other = leftBy(run, each)
    if (other !== undefined && other.id !== reader?.id) {
      run.testify({
        sentence: `${who} holds the ${each.kind} that ${other.id} left on the connection`,
        rows: [], victim: other.id, severity: 'low',
      })
    }
  }
  return found !== null
}

/** Locks and channels carry no rows; whose they are follows from their names. */
function leftBy(run: RequestRun, { kind, name }: FoundLeftover): Tenant | undefined {
  const { world, lockOf } = run.scene
  if (kind === 'advisory lock') return world.tenants.find((tenant) => String(lockOf(tenant)) === name)
  if (kind === 'listening channel') return world.tenants.find((tenant) => leftName(tenant) === name)
  return undefined
}

async function backendOf(run: RequestRun, slot: number): Promise<number | null> {
  const request: Request | null = run.request(slot)
  if (request === null || request.cut) return null
  const rows = await request.inside(() => run.observe(request.session, 'SELECT pg_backend_pid() AS pid'))
    .catch(() => null)
  return rows === null ? null : Number(rows[0]?.['pid'])
}
