/** How a request leaves things on its connection, and how others find them, with a tenant or without. */

import type { StrategySession } from '../model/context-strategy.ts'
import type { Tenant } from '../model/tenant.ts'
import { literal } from '../sql/identifier.ts'
import {
  foundIn,
  inventorySql,
  leaveSql,
  leftName,
  readSql,
  type FoundLeftover,
  type LeftoverKind,
} from './leftovers.ts'
import type { RequestRun } from './request-run.ts'
import { lookAround } from './outlook-acts.ts'
import { isOfTheDriver } from './request-acts.ts'

/** The work leaves something on its connection. */
export async function leave(run: RequestRun, slot: number, kind: LeftoverKind): Promise<void> {
  const request = run.request(slot)
  if (request !== null)
    await run.disturb(slot, leaveSql(kind, request.tenant, run.scene), { certain: kind !== 'role' })
}

/** The request asks what is on its connection and reads it; what is another tenant's is a witness. */
export async function rummage(run: RequestRun, slot: number): Promise<void> {
  const request = run.request(slot)
  if (request === null) return
  const done = await request.inside(() => readLeftovers(run, request.session, request.tenant))
  if (!done) request.contextCertain = false
}

/** The request compares everything that it sees with what a fresh connection sees in its context. */
export async function lookEverywhere(run: RequestRun, slot: number): Promise<void> {
  const request = run.request(slot)
  if (request === null) return
  const looked = await request.inside(() => lookAround(run, request.session, request.tenant))
  if (!looked) request.contextCertain = false
}

/** A checkout that never names a tenant: a forgotten code path. It must see nobody's rows. */
export async function lookWithoutTenant(run: RequestRun): Promise<void> {
  const client = await run.pool.connect()
  try {
    await lookAsNobody(run, client, 'A checkout without a tenant')
    await readLeftovers(run, client, null)
    await lookAround(run, client, null)
  } finally {
    client.release()
  }
}

/** At the end of every sequence, on each connection that was used: whatever led there, nothing of it is left. */
export async function lookAtUsed(run: RequestRun): Promise<void> {
  await run.closeAll()
  const clients = await run.usedClients()
  try {
    for (const client of clients) await lookAround(run, client, null)
  } finally {
    for (const client of clients) client.release()
  }
}

/** Work that was not awaited goes on after its request ended, on a connection that now is nobody's. */
export async function lookLate(run: RequestRun): Promise<void> {
  const late = run.handedBack
  // A session that a strategy wraps may rightly bind its tenant anew, on whatever connection it then has.
  if (late === null || !isOfTheDriver(late.session)) return
  await lookAsNobody(run, late.session, `A late query of tenant ${late.tenant.id}`)
}

async function lookAsNobody(run: RequestRun, session: StrategySession, who: string): Promise<void> {
  // Where the table is out of reach without a context, the context alone is asked for.
  const rows =
    (await run.observe(session).catch(() => null)) ??
    (await run.observe(session, `SELECT ${run.scene.world.context.columns}`).catch(() => []))
  const [foreign] = rows.flatMap((row) => run.ownersIn(row))
  if (foreign !== undefined) {
    run.testify({
      sentence: `${who} reads rows of ${foreign}, whose request used the connection before`,
      rows,
      victim: foreign,
    })
  }
  const [claim] = run.claimsIn(rows)
  if (claim !== undefined) {
    run.testify({
      sentence: `${who} finds the context of ${claim.tenant.id} on its connection, says ${claim.by}`,
      rows,
      victim: claim.tenant.id,
      severity: 'high',
    })
  }
}

async function readLeftovers(
  run: RequestRun,
  session: StrategySession,
  reader: Tenant | null,
): Promise<boolean> {
  const who = reader === null ? 'A checkout without a tenant' : `A request of tenant ${reader.id}`
  const found = await run
    .observe(session, inventorySql(run.scene.world.context.columns))
    .then(foundIn, () => null)
  for (const each of found ?? []) {
    const sql = readSql(each)
    const rows =
      sql === null ? [{ text: each.text }] : await run.observe(session, sql).catch(() => null)
    if (rows === null) return false
    const victim = rows.flatMap((row) => run.ownersIn(row)).find((owner) => owner !== reader?.id)
    if (victim !== undefined) {
      run.testify({
        sentence: `${who} finds a ${each.kind} on its connection and reads in it what is ${victim}'s`,
        rows,
        victim,
      })
    }
    const named = namedIn(run, each)
    if (named !== undefined && named.id !== reader?.id) {
      run.testify({
        sentence: `${who} finds a ${each.kind} on its connection that names ${named.id}`,
        rows,
        victim: named.id,
        severity: 'high',
      })
    }
    const other = leftBy(run, each)
    if (other !== undefined && other.id !== reader?.id) {
      run.testify({
        sentence: `${who} holds the ${each.kind} that ${other.id} left on the connection`,
        rows: [],
        victim: other.id,
        severity: 'low',
      })
    }
  }
  return found !== null
}

/** A statement with the tenant as a literal can be executed by whoever finds its name. */
function namedIn(run: RequestRun, { kind, text }: FoundLeftover): Tenant | undefined {
  if (kind !== 'prepared statement') return undefined
  return run.scene.world.tenants.find(({ id }) => text.includes(literal(id)))
}

/** Locks and channels carry no rows; whose they are follows from their names. */
function leftBy(run: RequestRun, { kind, name }: FoundLeftover): Tenant | undefined {
  const { world, lockOf } = run.scene
  if (kind === 'advisory lock')
    return world.tenants.find((tenant) => String(lockOf(tenant)) === name)
  if (kind === 'listening channel') return world.tenants.find((tenant) => leftName(tenant) === name)
  return undefined
}
