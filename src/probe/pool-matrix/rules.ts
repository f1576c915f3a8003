/** What the documentation of PostgreSQL and pgbouncer says must happen in each cell; measured cells must agree. */

import type { Binding, PoolCell, PoolerSetup } from './cells.ts'

/**
 * `leaks`: the next user of the connection, who binds nothing, sees the tenant's rows. `no effect`: the
 * tenant does not see its own. `safe`: neither.
 */
export type PoolOutcome = 'safe' | 'leaks' | 'no effect'

export interface Expectation {
  readonly outcome: PoolOutcome
  readonly because: string
}

export interface RuleContext {
  readonly serverVersionNum: number
}

/** https://www.postgresql.org/docs/current/sql-set.html, https://www.pgbouncer.org/features.html */
export function expected(cell: PoolCell, context: RuleContext): Expectation {
  const { setup, binding, ending } = cell
  const reach = reachOf(setup, binding)
  if (reach !== null) return reach
  const cleaned = cleanerOf(setup, binding, context)
  if (ending === 'cursor' && binding.scope !== 'statement') {
    const closes = closesCursors(setup)
    if (!closes) return { outcome: 'leaks',
      because: 'a cursor WITH HOLD outlives transaction and request, and keeps its rows' }
  }
  if (binding.scope === 'transaction') return { outcome: 'safe', because: 'a local setting ends with its transaction' }
  if (cleaned !== null) return { outcome: 'safe', because: cleaned }
  return { outcome: 'leaks', because: 'what is set for the session stays on the server connection' }
}

/** Bindings that never reach the statement they are made for, or that belong to the whole pool. */
function reachOf(setup: PoolerSetup, { scope }: Binding): Expectation | null {
  if (scope === 'statement') {
    return { outcome: 'no effect', because: 'SET LOCAL outside a transaction does nothing but warn (25P01)' }
  }
  if (scope === 'connection') {
    return setup.kind === 'pg pool'
      ? { outcome: 'leaks',
        because: 'a start-up option is the default of every connection of the pool, and DISCARD ALL returns to it' }
      : { outcome: 'no effect', because: 'our pgbouncer is told to ignore start-up options; by itself it refuses them' }
  }
  if (setup.kind === 'pgbouncer statement' && scope === 'transaction') {
    return { outcome: 'no effect', because: 'statement pooling allows no transaction block' }
  }
  if (isReset(setup) && setup.kind === 'pgbouncer statement') {
    return { outcome: 'no effect', because: 'the reset query runs after every statement' }
  }
  if (isReset(setup) && setup.kind === 'pgbouncer transaction' && scope === 'session') {
    return { outcome: 'no effect', because: 'the reset query runs after every transaction, before the next statement' }
  }
  return null
}

function isReset({ ini }: PoolerSetup): boolean {
  return ini['server_reset_query_always'] === '1'
}

/** Why nothing is left after the release; null when something is. */
function cleanerOf({ kind, ini, onRelease }: PoolerSetup, { sets }: Binding, context: RuleContext): string | null {
  if (onRelease === 'end') return 'the connection is not used again'
  if (onRelease === 'DISCARD ALL') return 'DISCARD ALL resets settings and role'
  if (onRelease === 'RESET ALL') return sets === 'role' ? null : 'RESET ALL resets settings (but no role)'
  if (kind === 'pgbouncer session') return ini['server_reset_query'] === '' ? null
    : 'server_reset_query runs between clients'
  const tracked = ini['track_extra_parameters']?.includes('search_path') === true
  if (tracked && sets === 'search_path' && context.serverVersionNum >= 180000) {
    return 'search_path is reported from PostgreSQL 18 on, so pgbouncer gives each client its own'
  }
  return null
}

function closesCursors({ kind, ini, onRelease }: PoolerSetup): boolean {
  if (onRelease === 'end' || onRelease === 'DISCARD ALL') return true
  if (kind === 'pgbouncer session') return ini['server_reset_query'] !== ''
  return isReset({ kind, ini, title: '' })
}
