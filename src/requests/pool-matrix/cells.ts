/** The table of the pool matrix: every way of binding a tenant, of ending the request, on every pooler. Pure. */

import type { WorldFacts } from '../../model/world.ts'

export type PoolerKind =
  'pg pool' | 'pgbouncer session' | 'pgbouncer transaction' | 'pgbouncer statement'

/** One column: a pooler with its settings. */
export interface PoolerSetup {
  readonly kind: PoolerKind
  /** What differs from its defaults, as the column shows it. */
  readonly title: string
  /** Lines of pgbouncer.ini. */
  readonly ini: Readonly<Record<string, string>>
  /** First pgbouncer that knows the settings, as [major, minor]. */
  readonly since?: readonly [number, number]
  /** What the application sends before it gives a pooled connection back; `end` closes it. */
  readonly onRelease?: 'RESET ALL' | 'DISCARD ALL' | 'end'
}

const always = { server_reset_query: 'DISCARD ALL', server_reset_query_always: '1' }

/** https://www.pgbouncer.org/config.html */
export const poolerSetups: readonly PoolerSetup[] = [
  { kind: 'pg pool', title: 'released as it is', ini: {} },
  { kind: 'pg pool', title: 'RESET ALL on release', ini: {}, onRelease: 'RESET ALL' },
  { kind: 'pg pool', title: 'DISCARD ALL on release', ini: {}, onRelease: 'DISCARD ALL' },
  { kind: 'pg pool', title: 'ended on release', ini: {}, onRelease: 'end' },
  { kind: 'pgbouncer session', title: 'defaults', ini: {} },
  { kind: 'pgbouncer session', title: 'server_reset_query empty', ini: { server_reset_query: '' } },
  { kind: 'pgbouncer transaction', title: 'defaults', ini: {} },
  { kind: 'pgbouncer transaction', title: 'server_reset_query_always', ini: always },
  {
    kind: 'pgbouncer transaction',
    title: 'track_extra_parameters',
    ini: { track_extra_parameters: 'IntervalStyle, search_path' },
    since: [1, 20],
  },
  {
    kind: 'pgbouncer transaction',
    title: 'max_prepared_statements',
    ini: { max_prepared_statements: '100' },
    since: [1, 21],
  },
  { kind: 'pgbouncer statement', title: 'defaults', ini: {} },
  { kind: 'pgbouncer statement', title: 'server_reset_query_always', ini: always },
]

/** True when the reset query runs after every transaction, not only between clients. */
export function isReset({ ini }: Pick<PoolerSetup, 'ini'>): boolean {
  return ini['server_reset_query_always'] === '1'
}

/** True when a pgbouncer is as new as [major, minor]. */
export function isAtLeast(
  version: string,
  [wantedMajor, wantedMinor]: readonly [number, number],
): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

/** How long what is set lasts: the connection's life, the session, one transaction, or one statement. */
export type Scope = 'connection' | 'session' | 'transaction' | 'statement'

export interface Binding {
  readonly title: string
  readonly scope: Scope
  readonly sets: 'setting' | 'role' | 'search_path'
  readonly separatedBy: WorldFacts['separatedBy']
}

const setting = { sets: 'setting', separatedBy: 'rows' } as const
const schema = { separatedBy: 'places' } as const

export const bindings: readonly Binding[] = [
  { title: 'SET', scope: 'session', ...setting },
  { title: 'SET LOCAL', scope: 'transaction', ...setting },
  { title: 'SET LOCAL without BEGIN', scope: 'statement', ...setting },
  { title: 'set_config(.., false)', scope: 'session', ...setting },
  { title: 'set_config(.., true)', scope: 'transaction', ...setting },
  { title: 'startup options', scope: 'connection', ...setting },
  { title: 'SET ROLE', scope: 'session', sets: 'role', ...schema },
  { title: 'SET LOCAL ROLE', scope: 'transaction', sets: 'role', ...schema },
  { title: 'SET search_path', scope: 'session', sets: 'search_path', ...schema },
  { title: 'SET LOCAL search_path', scope: 'transaction', sets: 'search_path', ...schema },
]

/**
 * `pipelined`: the whole request leaves in one write, nothing waits for an answer. `prepared`: SQL's PREPARE.
 * `named statement`: the protocol's Parse with a name, executed again by the next checkout.
 */
export const endings = [
  'commit',
  'rollback',
  'error',
  'cancel',
  'pipelined',
  'cursor',
  'prepared',
  'named statement',
] as const
export type Ending = (typeof endings)[number]

export interface PoolCell {
  readonly setup: PoolerSetup
  readonly binding: Binding
  readonly ending: Ending
}

/** Every cell that asks about tenants kept apart so; both together are 960 for each pgbouncer. */
export function poolCells(separatedBy: WorldFacts['separatedBy']): readonly PoolCell[] {
  return bindings
    .filter((binding) => binding.separatedBy === separatedBy)
    .flatMap((binding) =>
      endings.flatMap((ending) => poolerSetups.map((setup) => ({ setup, binding, ending }))),
    )
}
