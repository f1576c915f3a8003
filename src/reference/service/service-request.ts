/** A request of the service and its answer as plain values, and the curl line that a reviewer can send. */

import type { Observation } from '../../model/observation.ts'

/** How the token is made. `issued` is what the issuer gives; the others are forgeries. */
export interface TokenSpec {
  readonly tenant: string
  readonly kind: string
  readonly scope?: string
}

export interface ServiceRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** Null sends none. */
  readonly token: TokenSpec | null
  /** TENANT_ISOLATION_STRICT of the service that is asked. */
  readonly strict: boolean
  /** Whole ids and values of others that the request brings along: their echo shows nothing. Names are too short. */
  readonly brought: readonly string[]
}

/** What came back, whole: body and headers are where a foreign row may be. */
export interface Answer {
  readonly status: number
  readonly headers: string
  readonly body: string
}

/** Characters of an answer that a step of the evidence shows. */
const shownMax = 2_000

/**
 * What the service refused is refused, what it granted are rows. A 5xx is neither: nobody knows what was done.
 * The SQLSTATE of a refusal is the status, so that evidence of all suites reads alike.
 */
export function observationOf({ status, body, headers }: Answer): Observation {
  const message = [body.slice(0, shownMax), headers.slice(0, shownMax)]
    .filter((text) => text !== '')
    .join(' | ')
  if (status >= 500) return { kind: 'indeterminate', sqlstate: `HTTP ${status}`, message }
  if (status >= 400) return { kind: 'refused', sqlstate: `HTTP ${status}`, message }
  return {
    kind: 'rows',
    rows: [{ status, body: body.slice(0, shownMax) }],
    affected: null,
    truncated: false,
  }
}

/** For a POSIX shell. The token stays outside: evidence carries no credentials. */
export function curlOf({ method, path, headers, body, token, strict }: ServiceRequest): string {
  const header = (name: string, value: string) => ` -H ${shellQuoted(`${name}: ${value}`)}`
  const sent = Object.entries(headers)
    .map(([name, value]) => header(name, value))
    .join('')
  const who =
    token === null
      ? 'no token'
      : `$TOKEN: ${token.kind}, tenant ${JSON.stringify(token.tenant)}` +
        (token.scope === undefined ? '' : `, scope ${token.scope}`)
  return (
    `curl -gsS -i -X ${method} "$SERVICE"${shellQuoted(path)}` +
    `${token === null ? '' : ' -H "Authorization: Bearer $TOKEN"'}${sent}` +
    `${body === null ? '' : ` --data-binary ${shellQuoted(body)}`}` +
    ` # ${who}; TENANT_ISOLATION_STRICT=${String(strict)}`
  )
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
