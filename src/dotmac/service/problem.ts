/** Errors as problem+json (RFC 9457): a stable code, a sentence, and nothing about other tenants or the server. */

import { sqlstateOf, WatertightError } from '../../errors.ts'

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
}

/** Status by code; whatever is not here is an error of the service. */
const statuses: Readonly<Record<string, readonly [number, string]>> = {
  WATERTIGHT_TOKEN_MISSING: [401, 'Not authenticated'], WATERTIGHT_TOKEN_INVALID: [401, 'Not authenticated'],
  WATERTIGHT_TOKEN_EXPIRED: [401, 'Not authenticated'], WATERTIGHT_TENANT_NAME: [401, 'Not authenticated'],
  WATERTIGHT_TENANT_MISMATCH: [403, 'Another tenant'], WATERTIGHT_SCOPE: [403, 'Not allowed'],
  WATERTIGHT_NOT_FOUND: [404, 'Not found'], WATERTIGHT_BAD_REQUEST: [400, 'Bad request'],
  WATERTIGHT_BAD_LIMIT: [400, 'Bad request'], WATERTIGHT_NO_COLUMN: [422, 'Not acceptable'],
  WATERTIGHT_TOO_LARGE: [413, 'Too large'], WATERTIGHT_POOL_TIMEOUT: [503, 'Busy'],
  WATERTIGHT_POOL_CLOSED: [503, 'Shutting down'], WATERTIGHT_UNREACHABLE: [503, 'Database not reachable'],
  WATERTIGHT_KEYS_UNREACHABLE: [503, 'Keys not reachable'],
}

/** What the server refused, by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function ofServer(sqlstate: string): readonly [number, string, string] | null {
  if (sqlstate === '42501') return [403, 'WATERTIGHT_REFUSED', 'The database refused it']
  if (sqlstate === '23505') return [409, 'WATERTIGHT_CONFLICT', 'There is such a row already']
  if (sqlstate.startsWith('23')) return [422, 'WATERTIGHT_UNACCEPTABLE', 'The values contradict other rows or rules']
  if (sqlstate.startsWith('22')) return [422, 'WATERTIGHT_UNACCEPTABLE', 'A value is not of its type']
  return null
}

/** Details of errors that are not expected stay inside: they may name rows. */
export function problemOf(error: unknown): Problem {
  if (error instanceof WatertightError) {
    const [status, title] = statuses[error.code] ?? [500, 'Internal error']
    const detail = status === 500 ? 'See the log of the service' : error.message
    return problem(status, title, { code: error.code, detail })
  }
  const server = ofServer(sqlstateOf(error) ?? '')
  if (server === null) {
    return problem(500, 'Internal error', { code: 'WATERTIGHT_INTERNAL', detail: 'See the log of the service' })
  }
  const [status, code, detail] = server
  return problem(status, 'Not acceptable', { code, detail })
}

function problem(status: number, title: string, rest: Pick<Problem, 'code' | 'detail'>): Problem {
  return { type: `urn:dotmac:${rest.code.toLowerCase()}`, title, status, ...rest }
}

/** The one answer for a row that is not there and for one that is another tenant's. */
export function notFound(): WatertightError {
  return new WatertightError('WATERTIGHT_NOT_FOUND', 'There is no such thing', { hint: 'Look at the id' })
}

export function badRequest(detail: string): WatertightError {
  return new WatertightError('WATERTIGHT_BAD_REQUEST', detail, { hint: 'See the documentation of the service' })
}
