/**
 * One transaction in a tenant's context: the context ends with it, whatever happens in between. Everything that
 * binds a tenant for a piece of work (withTenant, the strategies that the harness verifies) comes down to this.
 */

import { asError, WatertightError } from '../errors.ts'
import type { StrategyClient, StrategyPool, StrategySession } from '../model/context-strategy.ts'

export interface TenantWork<T> {
  /** For errors. */
  readonly tenantId: string
  /** Statements that bind the tenant until the transaction ends; they are sent as one message. */
  readonly enter: string
  readonly work: (session: StrategySession) => Promise<T>
  /**
   * False lets the work end the transaction and swallow errors, as hostile work in the context suite does: the
   * context must not survive that either. Default true: an application is told.
   */
  readonly complains?: boolean
}

/** What the driver's client has beside queries: https://node-postgres.com/apis/client */
interface DriverClient extends StrategyClient {
  /** True when it sends statements without waiting for the answers before. */
  readonly pipeline?: boolean
  /** `T` in a transaction, `E` in a failed one, `I` in none. */
  getTransactionStatus?(): string | null
}

/**
 * With a pool that pipelines it costs one round trip more than the work's own statements: BEGIN and the context
 * travel with the first of them, COMMIT is the one that is waited for. Without, BEGIN is waited for as well.
 * @throws what the work throws; WatertightError WATERTIGHT_NOT_COMMITTED when the transaction had failed although
 *   the work did not, WATERTIGHT_TENANT_LEFT when the work ended the transaction itself, WATERTIGHT_TENANT_ENDED
 *   for a statement after the end.
 */
export async function inTenantTransaction<T>(
  pool: Pick<StrategyPool, 'connect'>, { tenantId, enter, work, complains = true }: TenantWork<T>,
): Promise<T> {
  const client = await pool.connect() as DriverClient
  let broken: Error | undefined
  const lent = new LentSession(client, { tenantId, complains })
  let notEntered: Error | undefined
  try {
    const entered = client.query(`BEGIN; ${enter}`)
    // Who fails to enter is in a failed transaction: what was sent behind it is refused (25P02).
    entered.catch((failure: unknown) => { notEntered = asError(failure) })
    if (client.pipeline !== true) await entered
    const value = await lent.lend(work)
    await entered
    await lent.settle()
    const command = await commit(client)
    if (command === 'ROLLBACK' && complains) throw notCommitted(tenantId)
    return value
  } catch (error) {
    await lent.settle()
    await client.query('ROLLBACK').catch((failure: unknown) => { broken = asError(failure) })
    throw notEntered ?? error
  } finally {
    client.release(broken)
  }
}

/** A COMMIT of a failed transaction is answered by ROLLBACK and no error. */
async function commit(client: DriverClient): Promise<string | undefined> {
  return (await client.query('COMMIT') as unknown as { readonly command?: string }).command
}

function notCommitted(tenantId: string): WatertightError {
  return new WatertightError('WATERTIGHT_NOT_COMMITTED',
    `The work of tenant ${JSON.stringify(tenantId)} was rolled back: one of its statements had failed`,
    { hint: 'Let the error of a statement end the work, or use a savepoint' })
}

/** What the work gets: it ends with the work, so that nothing runs later without a context. */
class LentSession implements StrategySession {
  readonly #client: DriverClient
  readonly #tenantId: string
  readonly #complains: boolean
  readonly #running = new Set<Promise<unknown>>()
  #isOver = false

  constructor(client: DriverClient, { tenantId, complains }: Pick<TenantWork<unknown>, 'tenantId' | 'complains'>) {
    this.#client = client
    this.#tenantId = tenantId
    this.#complains = complains === true
  }

  async lend<T>(work: (session: StrategySession) => Promise<T>): Promise<T> {
    try {
      return await work(this)
    } finally {
      this.#isOver = true
    }
  }

  /** Statements that the work did not wait for are still its own. */
  async settle(): Promise<void> {
    this.#isOver = true
    await Promise.allSettled(this.#running)
  }

  query(sql: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }> {
    if (this.#isOver) {
      return Promise.reject(this.#error('WATERTIGHT_TENANT_ENDED', 'has ended', 'Wait for every statement'))
    }
    const asked = this.#asked(() => values === undefined ? this.#client.query(sql) : this.#client.query(sql, values))
    this.#running.add(asked)
    const forget = () => { this.#running.delete(asked) }
    asked.then(forget, forget)
    return asked
  }

  /** A driver that does not pipeline wants one statement after the other. */
  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    const before = [...this.#running]
    if (this.#client.pipeline !== true && before.length > 0) await Promise.allSettled(before)
    const value = await ask()
    if (!this.#complains || this.#client.getTransactionStatus?.() !== 'I') return value
    throw this.#error('WATERTIGHT_TENANT_LEFT', 'ended its own transaction, and with it its context',
      'Leave COMMIT and ROLLBACK to withTenant; use savepoints')
  }

  #error(code: `WATERTIGHT_${string}`, what: string, hint: string): WatertightError {
    return new WatertightError(code, `The work of tenant ${JSON.stringify(this.#tenantId)} ${what}`, { hint })
  }
}

