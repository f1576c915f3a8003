/** What the documentation of PostgreSQL and pgbouncer says must happen in each cell; measured cells must agree. */

import { isReset, type Binding, type PoolCell, type PoolerSetup } from './cells.ts'
import { withNamed } from './named-rules.ts'

/**
 * `leaks`: the next user of the connection, who binds nothing, sees the tenant's rows. `no effect`: the
 * tenant does not see its own. `refused`: neither, but the next user cannot prepare or execute the same
 * statement of its own. `safe`: none of these.
 */
export type PoolOutcome = 'safe' | 'leaks' | 'no effect' | 'refused'

export interface Expectation {
  readonly outcome: PoolOutcome
  readonly because: string
  /** SQLSTATE of the next user's named statement; null when it is answered. Only of that ending. */
  readonly again?: string | null
}

export interface RuleContext {
  readonly serverVersionNum: number
  /** E.g. `1.24.1`; null for the driver's own pool. */
  readonly pgbouncerVersion: string | null
}

/** https://www.postgresql.org/docs/current/sql-set.html, https://www.pgbouncer.org/features.html */
export function expected(cell: PoolCell, context: RuleContext): Expectation {
  const carried = carriedOver(cell, context)
  return cell.ending === 'named statement'
    ? withNamed(cell, carried, context.pgbouncerVersion)
    : carried
}

function carriedOver(cell: PoolCell, context: RuleContext): Expectation {
  const { setup, binding, ending } = cell
  const reach = reachOf(cell)
  if (reach !== null) return reach
  const cleaned = cleanerOf(setup, binding, context)
  if (ending === 'cursor' && binding.scope !== 'statement') {
    const closes = closesCursors(setup)
    if (!closes)
      return {
        outcome: 'leaks',
        because: 'a cursor WITH HOLD outlives transaction and request, and keeps its rows',
      }
  }
  if (binding.scope === 'transaction')
    return { outcome: 'safe', because: 'a local setting ends with its transaction' }
  if (cleaned !== null) return { outcome: 'safe', because: cleaned }
  return { outcome: 'leaks', because: 'what is set for the session stays on the server connection' }
}

/** Bindings that never reach the statement they are made for, or that belong to the whole pool. */
function reachOf({ setup, binding: { scope }, ending }: PoolCell): Expectation | null {
  if (scope === 'statement') {
    return {
      outcome: 'no effect',
      because: 'SET LOCAL outside a transaction does nothing but warn (25P01)',
    }
  }
  if (scope === 'connection') {
    return setup.kind === 'pg pool'
      ? {
          outcome: 'leaks',
          because:
            'a start-up option is the default of every connection of the pool, and DISCARD ALL returns to it',
        }
      : {
          outcome: 'no effect',
          because: 'our pgbouncer is told to ignore start-up options; by itself it refuses them',
        }
  }
  if (setup.kind === 'pgbouncer statement' && scope === 'transaction') {
    return { outcome: 'no effect', because: 'statement pooling allows no transaction block' }
  }
  // What is sent in one piece keeps its server connection to the last answer: nothing is reset in between.
  if (ending === 'pipelined') return null
  if (isReset(setup) && setup.kind === 'pgbouncer statement') {
    return { outcome: 'no effect', because: 'the reset query runs after every statement' }
  }
  if (isReset(setup) && setup.kind === 'pgbouncer transaction' && scope === 'session') {
    return {
      outcome: 'no effect',
      because: 'the reset query runs after every transaction, before the next statement',
    }
  }
  return null
}

/** Why nothing is left after the release; null when something is. */
function cleanerOf(
  { kind, ini, onRelease }: PoolerSetup,
  { sets }: Binding,
  context: RuleContext,
): string | null {
  if (onRelease === 'end') return 'the connection is not used again'
  if (onRelease === 'DISCARD ALL') return 'DISCARD ALL resets settings and role'
  if (onRelease === 'RESET ALL')
    return sets === 'role' ? null : 'RESET ALL resets settings (but no role)'
  if (kind === 'pgbouncer session')
    return ini['server_reset_query'] === '' ? null : 'server_reset_query runs between clients'
  // Pipelined requests only: since 1.7 it counts the answers it owes (https://www.pgbouncer.org/changelog.html).
  if (isReset({ ini }))
    return 'the reset query runs after the last answer of what was sent in one piece'
  const tracked = ini['track_extra_parameters']?.includes('search_path') === true
  if (tracked && sets === 'search_path' && context.serverVersionNum >= 180000) {
    return 'search_path is reported from PostgreSQL 18 on, so pgbouncer gives each client its own'
  }
  return null
}

function closesCursors({ kind, ini, onRelease }: PoolerSetup): boolean {
  if (onRelease === 'end' || onRelease === 'DISCARD ALL') return true
  if (kind === 'pgbouncer session') return ini['server_reset_query'] !== ''
  return isReset({ ini })
}
