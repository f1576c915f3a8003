/** A server the user names with a DSN: found, never started or stopped by us, and never quoted with its secrets. */

import { userInfo } from 'node:os'
import { parse, type ConnectionOptions } from 'pg-connection-string'
import { WatertightError } from '../../errors.ts'
import type { Server, ServerAddress } from './server-address.ts'

export interface NamedServer extends Server {
  readonly kind: 'named'
  /** The database the DSN names, if any. */
  readonly database: string | undefined
}

/** Source: https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS, those we can honour. */
const KEYWORDS = new Set([
  'host',
  'hostaddr',
  'port',
  'dbname',
  'user',
  'password',
  'options',
  'application_name',
  'fallback_application_name',
  'connect_timeout',
  'client_encoding',
  'sslmode',
  'sslcert',
  'sslkey',
  'sslrootcert',
  'sslnegotiation',
  'gssencmode',
  'channel_binding',
  'target_session_attrs',
  'keepalives',
])

/**
 * Reads a postgres:// URL or a `host=... port=...` string as libpq does (sslmode=require does not verify the
 * certificate, verify-full does). What is missing comes from PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE and
 * PGOPTIONS. sslmode prefer and allow connect without TLS, since the driver cannot fall back.
 * @throws WatertightError WATERTIGHT_BAD_TARGET when it is neither.
 */
export function namedServer(dsn: string): NamedServer {
  const text = dsn.trim()
  const parsed = /^postgres(ql)?:\/\//i.test(text)
    ? parseUrl(text)
    : parseUrl(urlOf(parseKeywords(text)))
  const address = addressOf(parsed)
  const database = textOr(parsed.database) ?? textOr(process.env['PGDATABASE'])
  const host =
    address.host.includes(':') && !address.host.startsWith('/') ? `[${address.host}]` : address.host
  return {
    kind: 'named',
    address,
    database,
    label: `${host}:${address.port}`,
    logTail: () => [],
    stop: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

function addressOf(parsed: ConnectionOptions): ServerAddress {
  const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGOPTIONS } = process.env
  const host = textOr(parsed.host) ?? textOr(PGHOST) ?? 'localhost'
  const options = textOr(parsed.options) ?? textOr(PGOPTIONS)
  if (host.includes(',')) throw badTarget('it names several hosts', 'Name the one server to verify')
  return {
    host,
    port: portOf(textOr(parsed.port) ?? textOr(PGPORT) ?? '5432'),
    user: textOr(parsed.user) ?? textOr(PGUSER) ?? userInfo().username,
    password: textOr(parsed.password) ?? textOr(PGPASSWORD),
    ...(parsed.ssl === undefined ? {} : { ssl: sslOf(parsed) }),
    ...(options === undefined ? {} : { options }),
  }
}

function sslOf(parsed: ConnectionOptions): boolean | object {
  const { sslmode } = parsed as { sslmode?: string }
  if (sslmode === 'prefer' || sslmode === 'allow') return false
  return typeof parsed.ssl === 'object'
    ? { ...parsed.ssl }
    : parsed.ssl === true || parsed.ssl === 'true'
}

function portOf(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw badTarget(
    `its port ${JSON.stringify(text)} is not a number from 1 to 65535`,
    'Correct the port',
  )
}

/** The parser's own errors may quote the DSN, so neither their text nor they themselves are passed on. */
function parseUrl(url: string): ConnectionOptions {
  try {
    return parse(url, { useLibpqCompat: !/[?&]uselibpqcompat=/.test(url) })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw badTarget(
      code === 'ENOENT' ? 'a certificate file it names does not exist' : 'it cannot be parsed',
      'Write postgres://user@host:5432/database; percent-encode special characters in user and password',
    )
  }
}

/** Keywords become the query of a URL, so that both spellings go through one parser. */
function urlOf(values: ReadonlyMap<string, string>): string {
  const query = new URLSearchParams()
  for (const [keyword, value] of values) {
    if (keyword === 'dbname') continue
    query.set(keyword === 'hostaddr' ? 'host' : keyword, value)
  }
  const database = encodeURIComponent(values.get('dbname') ?? '')
  return `postgres:///${database}?${query.toString().replaceAll('+', '%20')}`
}

/** Source: https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE */
function parseKeywords(text: string): Map<string, string> {
  const values = new Map<string, string>()
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/giy
  while (pair.lastIndex < text.trimEnd().length) {
    const found = pair.exec(text)
    if (found === null) {
      throw badTarget(
        'it is neither a URL nor a list of keyword=value pairs',
        'Write postgres://user@host:5432/database, or host=... port=... user=... dbname=...',
      )
    }
    const keyword = (found[1] ?? '').toLowerCase()
    if (!KEYWORDS.has(keyword))
      throw badTarget(`it uses the unknown keyword ${keyword}`, 'Leave it out')
    values.set(keyword, (found[2] ?? found[3] ?? '').replace(/\\(.)/g, '$1'))
  }
  if (values.size === 0) throw badTarget('it is empty', 'Write postgres://user@host:5432/database')
  return values
}

function textOr(value: string | null | undefined): string | undefined {
  return value === null || value === '' ? undefined : value
}

function badTarget(fault: string, hint: string): WatertightError {
  return new WatertightError('WATERTIGHT_BAD_TARGET', `the target is not a usable DSN: ${fault}`, {
    hint,
  })
}
