/** The configuration of a scratch server: fast, because nothing in it must survive a power cut. */

import { WatertightError } from '../../errors.ts'
import { LOOPBACK } from './free-port.ts'

/** Source: https://www.postgresql.org/docs/18/runtime-config.html */
const SCRATCH = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  autovacuum: 'off',
  shared_buffers: '128MB',
  max_connections: '100',
  max_prepared_transactions: '0',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Thousands of refused statements are the normal business here; FATAL, PANIC and LOG still arrive.
  log_min_messages: 'log',
}

/** Settings that decide where the server lives and listens; the launcher needs to know them. */
const OURS = new Set([
  'listen_addresses',
  'port',
  'unix_socket_directories',
  'unix_socket_permissions',
  'data_directory',
  'config_file',
  'hba_file',
  'ident_file',
  'external_pid_file',
  'logging_collector',
  'log_destination',
  'ssl',
])

export interface Listening {
  readonly port: number
  /** Directory of the Unix socket, null for none. */
  readonly socketDirectory: string | null
}

/**
 * Lines to append to postgresql.conf; of a setting that stands twice, the last line counts.
 * @throws WatertightError WATERTIGHT_BAD_SETTING for a name that is none, or that is ours to set.
 */
export function configurationLines(
  listening: Listening,
  extra: Readonly<Record<string, string>>,
): string {
  requireAllowed(Object.keys(extra))
  const all = {
    ...SCRATCH,
    listen_addresses: LOOPBACK,
    port: String(listening.port),
    unix_socket_directories: listening.socketDirectory ?? '',
    unix_socket_permissions: '0700',
    log_destination: 'stderr',
    logging_collector: 'off',
    ...extra,
  }
  return Object.entries(all)
    .map(([name, value]) => `${name} = ${quoted(name, value)}\n`)
    .join('')
}

function requireAllowed(names: readonly string[]): void {
  for (const name of names) {
    const fault = !/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_$]*)?$/i.test(name)
      ? 'is not the name of a setting'
      : OURS.has(name.toLowerCase())
        ? 'is chosen by the embedded server itself'
        : null
    if (fault === null) continue
    throw new WatertightError(
      'WATERTIGHT_BAD_SETTING',
      `server setting ${JSON.stringify(name)} ${fault}`,
      { hint: 'Take it out of the settings; for full control name your own server with --target' },
    )
  }
}

/** Source: https://www.postgresql.org/docs/18/config-setting.html: quotes are doubled, a backslash escapes. */
function quoted(name: string, value: string): string {
  if (/[\0\r\n]/.test(value)) {
    throw new WatertightError(
      'WATERTIGHT_BAD_SETTING',
      `the value of server setting ${name} spans lines`,
      { hint: 'Write it on one line' },
    )
  }
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
