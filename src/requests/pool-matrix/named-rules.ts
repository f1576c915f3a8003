/** What becomes of a statement that the protocol named (Parse with a name), when the next checkout names it again. */

import { isAtLeast, isReset, type PoolCell } from './cells.ts'
import type { Expectation } from './rules.ts'

interface Again {
  /** SQLSTATE; null when it is answered. */
  readonly sqlstate: string | null
  readonly because: string
}

/** duplicate_prepared_statement, invalid_sql_statement_name: the statement is refused, not what it reads. */
export function clashes(sqlstate: string | null | undefined): boolean {
  return sqlstate === '42P05' || sqlstate === '26000'
}

/** What a context does to the cell stays; a clash makes a cell `refused` that would be safe. */
export function withNamed(
  cell: PoolCell,
  carried: Expectation,
  pgbouncerVersion: string | null,
): Expectation {
  const { sqlstate, because } = againOf(cell, carried, pgbouncerVersion)
  if (carried.outcome === 'safe' && clashes(sqlstate))
    return { outcome: 'refused', because, again: sqlstate }
  return { outcome: carried.outcome, because: `${carried.because}; ${because}`, again: sqlstate }
}

/**
 * A statement that exists is executed in the context of whoever executes it, so it carries no tenant over:
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 */
function againOf(
  { setup, binding }: PoolCell,
  carried: Expectation,
  pgbouncerVersion: string | null,
): Again {
  // https://node-postgres.com/features/queries#prepared-statements, and sql-discard.html of PostgreSQL
  if (setup.onRelease === 'DISCARD ALL') {
    return {
      sqlstate: '26000',
      because: 'DISCARD ALL drops named statements, and the driver believes they exist',
    }
  }
  // Parse analyses before it stores the name: without the tenant's role the table is refused first.
  if (binding.sets === 'role' && carried.outcome !== 'leaks') {
    return {
      sqlstate: '42501',
      because: 'a named statement reads with the role of whoever executes it',
    }
  }
  if (pgbouncerVersion === null) {
    return {
      sqlstate: null,
      because: 'a named statement reads in the context of whoever executes it',
    }
  }
  return behindPgbouncer({ setup, binding }, pgbouncerVersion)
}

function behindPgbouncer(
  { setup, binding }: Pick<PoolCell, 'setup' | 'binding'>,
  version: string,
): Again {
  if (setup.kind === 'pgbouncer statement' && binding.scope === 'transaction') {
    return {
      sqlstate: null,
      because: 'the request lost its connection at BEGIN, before it named a statement',
    }
  }
  if (
    isReset(setup) ||
    (setup.kind === 'pgbouncer session' && setup.ini['server_reset_query'] !== '')
  ) {
    return { sqlstate: null, because: 'the reset query drops named statements' }
  }
  if (
    setup.kind !== 'pgbouncer session' &&
    tracksStatements(setup.ini['max_prepared_statements'], version)
  ) {
    return { sqlstate: null, because: 'pgbouncer gives each client its own named statements' }
  }
  return {
    sqlstate: '42P05',
    because: 'a named statement stays on the server connection, and its name is taken',
  }
}

/**
 * Outside session pooling; off by default before 1.24: https://www.pgbouncer.org/config.html#max_prepared_statements,
 * https://www.pgbouncer.org/changelog.html
 */
function tracksStatements(setting: string | undefined, version: string): boolean {
  return setting === undefined
    ? isAtLeast(version, [1, 24])
    : isAtLeast(version, [1, 21]) && setting !== '0'
}
