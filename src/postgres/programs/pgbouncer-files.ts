/** The two files pgbouncer reads. Pure, and strict about what could break out of a line. */

import { WatertightError } from '../../errors.ts'
import { LOOPBACK } from '../server/free-port.ts'
import type { ServerAddress } from '../session/server-address.ts'

export interface PoolerUser {
  readonly name: string
  readonly password: string
}

export interface PoolerSettings {
  readonly server: ServerAddress
  /** Through which readiness is proven; all databases of the server can be reached. */
  readonly database: string
  /** Who may log in; the server is entered with the same name and password. */
  readonly users: readonly [PoolerUser, ...PoolerUser[]]
  readonly poolMode: 'session' | 'transaction' | 'statement'
  /** Backends for each pair of user and database. */
  readonly poolSize: number
  /** Other names for databases (letters, digits, _): each name has server connections of its own. */
  readonly aliases?: ReadonlyMap<string, string>
  /** More lines of the [pgbouncer] section; they win over our own. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface PoolerPlace {
  readonly port: number
  readonly userlist: string
}

/** Source: https://www.pgbouncer.org/config.html */
export function pgbouncerIni(pooler: PoolerSettings, place: PoolerPlace): string {
  const { server, settings } = pooler
  const section = {
    listen_addr: LOOPBACK,
    listen_port: String(place.port),
    unix_socket_dir: '',
    // The password is random, and each checkout logs in anew: SCRAM's thousands of rounds would protect nothing.
    auth_type: 'md5',
    auth_file: place.userlist,
    pool_mode: pooler.poolMode,
    default_pool_size: String(pooler.poolSize),
    max_client_conn: '200',
    server_tls_sslmode: wantsTls(server) ? 'require' : 'disable',
    ignore_startup_parameters: 'extra_float_digits,options',
    ...settings,
  }
  return [
    // Any database: 1.18 does not read a quoted name here, and names may hold what needs quotes.
    '[databases]',
    ...[...(pooler.aliases ?? [])].map(
      ([alias, database]) =>
        `${oneLine(alias)} = host=${value(server.host)} port=${server.port} dbname=${value(database)}`,
    ),
    `* = host=${value(server.host)} port=${server.port}`,
    '[pgbouncer]',
    ...Object.entries(section).map(([key, text]) => `${oneLine(key)} = ${oneLine(text)}`),
    '',
  ].join('\n')
}

export function pgbouncerUserlist(users: readonly PoolerUser[]): string {
  const field = (text: string): string => `"${oneLine(text).replaceAll('"', '""')}"`
  return users.map((user) => `${field(user.name)} ${field(user.password)}\n`).join('')
}

function wantsTls(server: ServerAddress): boolean {
  return server.ssl !== undefined && server.ssl !== false && !server.host.startsWith('/')
}

function value(text: string): string {
  return `'${oneLine(text).replaceAll("'", "''")}'`
}

function oneLine(text: string): string {
  if (!/[\0\r\n]/.test(text)) return text
  throw new WatertightError(
    'WATERTIGHT_PGBOUNCER_FAILED',
    `pgbouncer cannot be told ${JSON.stringify(text)}: its files know no way to write a line break`,
    { hint: 'Use a name, password or setting without line breaks' },
  )
}
