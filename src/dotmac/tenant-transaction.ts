/**
 * One transaction in a tenant's context: the context ends with it, whatever happens in between. Everything that
 * binds a tenant for a piece of work (withTenant, the strategies that the harness verifies) comes down to this.
 */

import { asError, sqlstateOf, WatertightError } from '../errors.ts'
import type { StrategyPool, StrategySession } from '../model/context-strategy.ts'
import { literal } from '../sql/identifier.ts'
import { pipelined, type Pipelining } from '../postgres/session/pipelining.ts'
import { LentSession, type DriverClient } from './lent-session.ts'

export interface TenantWork<T> {
  /** For errors. */
  readonly tenantId: string
  /** Statements that bind the tenant until the transaction ends, the setting too; they are sent as one message. */
  readonly enter: string
  readonly work: (session: StrategySession) => Promise<T>
  /**
   * False lets the work end the transaction and swallow errors, as hostile work in the context suite does: the
   * context must not survive that either. Default true: an application is told.
   */
  readonly complains?: boolean
}

/** The session as it was lent, text as PostgreSQL spells it. */
interface Before {
  readonly role: string
  readonly search_path: string
}

/**
 * Costs one round trip more than the work's own statements: BEGIN and the context travel with the first of them, and
 * the last message leaves and commits. A client that cannot pipeline waits for BEGIN as well.
 * What the work sets for the session is put back with the transaction: role, search_path and the tenant's setting,
 * temporary tables, held cursors; a pooler's backend could not be thrown away. Other settings, LISTEN, PREPARE and
 * advisory locks are the session's; TenantPools clears them between loans.
 * @throws what the work throws; WatertightError WATERTIGHT_NOT_COMMITTED when the transaction had failed although
 *   the work did not, WATERTIGHT_TENANT_LEFT when the work ended the transaction or its context itself,
 *   WATERTIGHT_TENANT_ENDED for a statement after the end, WATERTIGHT_TENANT_STATEMENT for what is none.
 */
export async function inTenantTransaction<T>(
  pool: Pick<StrategyPool, 'connect'>,
  { tenantId, enter, work, complains = true }: TenantWork<T>,
): Promise<T> {
  const client = (await pool.connect()) as DriverClient
  // Without a listener, a backend that is terminated between two statements would end the process.
  const survive = () => undefined
  client.on?.('error', survive)
  const pipelining = pipelined(client)
  const lent = new LentSession(client, { tenantId, complains, isPipelined: pipelining.isOn })
  const entering = entered(client, pipelining, enter)
  let notEntered: Error | undefined
  let broken: Error | undefined
  // Who fails to enter is in a failed transaction: what was sent behind it is refused (25P02).
  entering.catch((failure: unknown) => {
    notEntered = asError(failure)
  })
  try {
    if (!pipelining.isOn) await entering
    const value = await lent.lend(work)
    const before = await entering
    await lent.settle()
    const end = await left(client, before)
    if (!complains) return value
    if (end === 'failed') throw notCommitted(tenantId)
    if (end.tenant !== tenantId) throw lent.left()
    return value
  } catch (error) {
    await lent.settle()
    const before = await entering.catch(() => null)
    await rolledBack(client, before).catch((failure: unknown) => {
      broken = asError(failure)
    })
    throw notEntered ?? error
  } finally {
    if (!pipelining.end()) broken ??= new Error('a statement was still running')
    client.release(broken)
    client.off?.('error', survive)
  }
}

/** BEGIN is a message of its own: one that the server cannot even read must not leave the next outside of it. */
async function entered(client: DriverClient, { isOn }: Pipelining, enter: string): Promise<Before> {
  // Given back by somebody in the middle of a transaction, which is not ours to commit.
  const isOpen = ['T', 'E'].includes(client.getTransactionStatus?.() ?? '')
  const context = `SHOW role; SHOW search_path; ${enter}`
  if (!isOn) {
    if (isOpen) await client.query('ROLLBACK')
    return valuesOf<Before>(await client.query(`BEGIN; ${context}`))
  }
  // All of it is sent before anything is waited for, or the work's first statement would come in between.
  const messages = [...(isOpen ? ['ROLLBACK'] : []), 'BEGIN', context]
  const answers = await Promise.all(messages.map((message) => client.query(message)))
  return valuesOf<Before>(answers.at(-1))
}

/**
 * What is deferred is checked while the context is there. The session is put back before the COMMIT, so that
 * either both happen or neither, and in one message, which a pooler gives to one backend.
 * @returns the tenant in whose context the work ended, or that its transaction had failed.
 */
async function left(
  client: DriverClient,
  before: Before,
): Promise<{ readonly tenant: string } | 'failed'> {
  try {
    return valuesOf(await client.query(`SET CONSTRAINTS ALL IMMEDIATE; ${putBack(before)}; COMMIT`))
  } catch (error) {
    if (sqlstateOf(error) !== '25P02') throw error
    await rolledBack(client, before)
    return 'failed'
  }
}

/** Rolling back undoes what was set in the transaction; the rest is for work that had ended it. */
async function rolledBack(client: DriverClient, before: Before | null): Promise<void> {
  await client.query(before === null ? 'ROLLBACK' : `ROLLBACK; ${putBack(before)}`)
}

function putBack({ role, search_path: path }: Before): string {
  return `CLOSE ALL; DISCARD TEMP; SELECT pg_catalog.current_setting('app.current_tenant_id', true) AS tenant,
    pg_catalog.set_config('role', ${literal(role)}, false),
    pg_catalog.set_config('search_path', ${literal(path)}, false),
    pg_catalog.set_config('app.current_tenant_id', '', false)`
}

/** A message of several statements is answered by as many results. */
function valuesOf<T>(answers: unknown): T {
  const all = answers as readonly { readonly rows: readonly Record<string, unknown>[] }[]
  return Object.assign({}, ...all.map(({ rows }) => rows[0])) as T
}

function notCommitted(tenantId: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_NOT_COMMITTED',
    `The work of tenant ${JSON.stringify(tenantId)} was rolled back: one of its statements had failed`,
    { hint: 'Let the error of a statement end the work, or use a savepoint' },
  )
}
