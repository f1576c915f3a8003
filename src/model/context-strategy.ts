/** A way of binding a tenant to a pooled connection: the value that the context suite puts on trial. */

/** What a strategy hands to the work: anything that answers queries, as the driver's client does. */
export interface StrategySession {
  query(
    sql: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: readonly Record<string, unknown>[] }>
}

export interface StrategyClient extends StrategySession {
  release(error?: boolean | Error): void
}

/** The part of a driver pool that strategies use; it is a real pg.Pool. */
export interface StrategyPool extends StrategySession {
  connect(): Promise<StrategyClient>
}

/**
 * The tenant as a strategy sees it: its id wherever text is wanted (also as a query parameter), and
 * its schema and role where a strategy routes by them.
 */
export interface StrategyTenant {
  readonly id: string
  readonly schema: string
  readonly role: string
  toString(): string
}

/** A strategy that the platform itself offers. */
export interface OfferedStrategy {
  readonly strategy: ContextStrategy
  /** True when it holds behind a pooler in transaction mode. */
  readonly behindPooler: boolean
}

export interface ContextStrategy {
  readonly title: string
  /**
   * What it promises to clear: the tenant's `context` (default), or all of the `session`, so that the
   * work may also leave temporary tables, prepared statements, cursors, locks and settings.
   */
  readonly clears?: 'context' | 'session'
  /** Runs the work on a session in the tenant's context, and leaves nothing behind on any exit. */
  withTenant<T>(
    pool: StrategyPool,
    tenant: StrategyTenant,
    work: (session: StrategySession) => Promise<T>,
  ): Promise<T>
}
