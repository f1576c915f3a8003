/** What the work of a tenant gets: it ends with the work, so that nothing runs later without a context. */

import type { ErrorCode } from '../model/error-code.ts'
import { WatertightError } from '../errors.ts'
import type { StrategyClient, StrategySession } from '../model/context-strategy.ts'

/** What the driver's client has beside queries: https://node-postgres.com/apis/client */
export interface DriverClient extends StrategyClient {
  /** `T` in a transaction, `E` in a failed one, `I` in none. */
  getTransactionStatus?(): string | null
  on?(event: 'error', listener: () => void): unknown
  off?(event: 'error', listener: () => void): unknown
}

export interface Lending {
  /** For errors. */
  readonly tenantId: string
  /** False lets the work end its transaction. */
  readonly complains: boolean
  /** A client that does not pipeline wants one statement after the other. */
  readonly isPipelined: boolean
}

export class LentSession implements StrategySession {
  readonly #client: DriverClient
  readonly #lending: Lending
  readonly #running = new Set<Promise<unknown>>()
  #isOver = false
  #isLeft = false

  constructor(client: DriverClient, lending: Lending) {
    this.#client = client
    this.#lending = lending
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

  query(
    sql: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: readonly Record<string, unknown>[] }> {
    if (this.#isOver) {
      return Promise.reject(
        this.#error('WATERTIGHT_TENANT_ENDED', 'has ended', 'Wait for every statement'),
      )
    }
    if (!isStatement(sql, values)) {
      return Promise.reject(
        this.#error(
          'WATERTIGHT_TENANT_STATEMENT',
          'asks for what is no statement',
          'Give SQL and an array of values, and wait for the promise; for a stream, DECLARE a cursor and FETCH from it',
        ),
      )
    }
    const asked = this.#asked(() =>
      values === undefined ? this.#client.query(sql) : this.#client.query(sql, values),
    )
    this.#running.add(asked)
    const forget = () => {
      this.#running.delete(asked)
    }
    asked.then(forget, forget)
    return asked
  }

  /** The work ended its transaction, and with it the context. */
  left(): WatertightError {
    return this.#error(
      'WATERTIGHT_TENANT_LEFT',
      'ended its own transaction or context',
      'Leave COMMIT, ROLLBACK and the setting to withTenant; use savepoints',
    )
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    const before = [...this.#running]
    if (!this.#lending.isPipelined && before.length > 0) await Promise.allSettled(before)
    // Who swallows the error of its COMMIT would go on outside of every transaction.
    if (this.#isLeft) throw this.left()
    const value = await ask()
    if (!this.#lending.complains || this.#client.getTransactionStatus?.() !== 'I') return value
    this.#isLeft = true
    throw this.left()
  }

  #error(code: ErrorCode, what: string, hint: string): WatertightError {
    const { tenantId } = this.#lending
    return new WatertightError(code, `The work of tenant ${JSON.stringify(tenantId)} ${what}`, {
      hint,
    })
  }
}

/** The driver's own form, `{ text, values }`, is one too; what drives the connection itself (a stream) is none. */
function isStatement(sql: unknown, values: unknown): boolean {
  if (values !== undefined && values !== null && !Array.isArray(values)) return false
  if (typeof sql === 'string') return true
  const { text, submit } = (sql ?? {}) as { readonly text?: unknown; readonly submit?: unknown }
  return typeof text === 'string' && submit === undefined
}
