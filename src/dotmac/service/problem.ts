/** Errors as problem+json (RFC 9457): a stable code, a sentence, and nothing about other tenants or the server. */

import { sqlstateOf, WatertightError } from '../../errors.ts'
import { isConnectionLoss, isInterruption } from '../../postgres/session/sqlstate.ts'

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
}

/** Status by code; whatever is not here is an error of the service. */
const statuses: Readonly<Record<string, readonly [number, string]>> = {
  WATERTIGHT_TOKEN_MISSING: [401, 'Not authenticated'],
  WATERTIGHT_TOKEN_INVALID: [401, 'Not authenticated'],
  WATERTIGHT_TOKEN_EXPIRED: [401, 'Not authenticated'],
  WATERTIGHT_TENANT_NAME: [401, 'Not authenticated'],
  WATERTIGHT_NO_TENANT: [403, 'Not allowed'],
  WATERTIGHT_METHOD: [405, 'Method not allowed'],
  WATERTIGHT_EXPECTATION: [417, 'Expectation failed'],
  WATERTIGHT_CONTENT_TYPE: [415, 'Not JSON'],
  WATERTIGHT_HEADERS: [431, 'Too large'],
  WATERTIGHT_TENANT_MISMATCH: [403, 'Another tenant'],
  WATERTIGHT_SCOPE: [403, 'Not allowed'],
  WATERTIGHT_NOT_FOUND: [404, 'Not found'],
  WATERTIGHT_BAD_REQUEST: [400, 'Bad request'],
  WATERTIGHT_BAD_LIMIT: [400, 'Bad request'],
  WATERTIGHT_NO_COLUMN: [422, 'Not acceptable'],
  WATERTIGHT_TOO_LARGE: [413, 'Too large'],
  WATERTIGHT_POOL_TIMEOUT: [503, 'Busy'],
  WATERTIGHT_POOL_CLOSED: [503, 'Shutting down'],
  WATERTIGHT_CLIENT_GONE: [503, 'Given up'],
  WATERTIGHT_UNREACHABLE: [503, 'Database not reachable'],
  WATERTIGHT_KEYS_UNREACHABLE: [503, 'Keys not reachable'],
}

/** What the server refused, by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function ofServer(sqlstate: string): readonly [number, string, string] | null {
  if (sqlstate === '42501') return [403, 'WATERTIGHT_REFUSED', 'The database refused it']
  if (sqlstate === '23505') return [409, 'WATERTIGHT_CONFLICT', 'There is such a row already']
  if (sqlstate.startsWith('23'))
    return [422, 'WATERTIGHT_UNACCEPTABLE', 'The values contradict other rows or rules']
  if (sqlstate.startsWith('22'))
    return [422, 'WATERTIGHT_UNACCEPTABLE', 'A value is not of its type']
  return null
}

/** Details of errors of the service stay inside: they may name rows, hosts and limits. */
export function problemOf(error: unknown): Problem {
  if (error instanceof WatertightError) {
    const [status, title] = statuses[error.code] ?? [500, 'Internal error']
    if (status < 500) return problem(status, title, { code: error.code, detail: error.message })
    return problem(status, title, {
      code: error.code,
      detail: status === 500 ? seeLog : 'Try again later',
    })
  }
  if (isOutage(error)) {
    return problem(503, 'Database not reachable', {
      code: 'WATERTIGHT_UNREACHABLE',
      detail: 'Try again later',
    })
  }
  const server = ofServer(sqlstateOf(error) ?? '')
  if (server === null)
    return problem(500, 'Internal error', { code: 'WATERTIGHT_INTERNAL', detail: seeLog })
  const [status, code, detail] = server
  return problem(status, 'Not acceptable', { code, detail })
}

const seeLog = 'See the log of the service'

/** The connection is gone, or the server could not do what it was asked; of several errors each counts. */
function isOutage(error: unknown): boolean {
  if (error instanceof AggregateError)
    return error.errors.some((each) => problemOf(each).status === 503)
  const sqlstate = sqlstateOf(error)
  return sqlstate === null
    ? isConnectionLoss(error)
    : isInterruption(sqlstate) && !/^(58|XX)/.test(sqlstate)
}

/** As an answer. https://www.rfc-editor.org/rfc/rfc6750#section-3 says what a 401 must carry. */
export function problemResponse(
  problem: Problem,
  more: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { ...headersOf(problem), ...more },
  })
}

export function headersOf({ status, code }: Problem): Record<string, string> {
  const challenge =
    code === 'WATERTIGHT_TOKEN_MISSING'
      ? 'Bearer'
      : status === 401
        ? 'Bearer error="invalid_token"'
        : code === 'WATERTIGHT_SCOPE'
          ? 'Bearer error="insufficient_scope", scope="reporting"'
          : null
  return {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...(challenge === null ? {} : { 'www-authenticate': challenge }),
    // The rest of such a body is not read, so the connection cannot serve another request.
    ...(status === 413 ? { connection: 'close' } : {}),
  }
}

function problem(status: number, title: string, rest: Pick<Problem, 'code' | 'detail'>): Problem {
  return { type: `urn:dotmac:${rest.code.toLowerCase()}`, title, status, ...rest }
}

/** The one answer for a row that is not there and for one that is another tenant's. */
export function notFound(): WatertightError {
  return new WatertightError('WATERTIGHT_NOT_FOUND', 'There is no such thing', {
    hint: 'Look at the id',
  })
}

export function badRequest(detail: string): WatertightError {
  return new WatertightError('WATERTIGHT_BAD_REQUEST', detail, {
    hint: 'See the documentation of the service',
  })
}
