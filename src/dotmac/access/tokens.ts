/** Who asks: the tenant comes from a signed token and from nowhere else. */

import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTPayload,
} from 'jose'
import { WatertightError } from '../../errors.ts'
import { tenantNames } from '../tenant-names.ts'

export interface VerifierOptions {
  /** Address of a JWKS, fetched again for unknown keys and after jwksMaxAgeMs; or the set itself. */
  readonly jwks: URL | JSONWebKeySet
  readonly issuer: string
  readonly audience: string
  /** Pinned: a token cannot choose another. Default ES256, RS256, EdDSA; symmetric ones are never accepted. */
  readonly algorithms?: readonly ('ES256' | 'RS256' | 'EdDSA' | 'PS256')[]
  /** After this many ms a key that was removed from the set is refused. Default 600,000. */
  readonly jwksMaxAgeMs?: number
  /** Least time in ms between two fetches for unknown keys. Default 30,000. */
  readonly jwksCooldownMs?: number
  /** Seconds by which clocks may differ. Default 5. */
  readonly clockToleranceS?: number
}

export interface Caller {
  readonly tenantId: string
  /** The token's subject, for the audit trail. */
  readonly userId: string
  readonly scopes: ReadonlySet<string>
}

export interface TokenVerifier {
  /** @throws WatertightError WATERTIGHT_TOKEN_MISSING, WATERTIGHT_TOKEN_EXPIRED, WATERTIGHT_TOKEN_INVALID. */
  callerOf(authorization: string | null | undefined): Promise<Caller>
}

const acceptable: readonly string[] = ['ES256', 'RS256', 'EdDSA', 'PS256']

/**
 * Claims: exp, iss, aud, sub and tenant_id are required; scope is a list with blanks (RFC 8693) or an array.
 * @throws WatertightError WATERTIGHT_BAD_VERIFIER for an empty issuer or audience, and for other algorithms.
 */
export function tokenVerifier(options: VerifierOptions): TokenVerifier {
  const {
    jwks,
    issuer,
    audience,
    algorithms = ['ES256', 'RS256', 'EdDSA'],
    clockToleranceS = 5,
  } = options
  assertPinned(issuer, audience, algorithms)
  const keys =
    jwks instanceof URL
      ? createRemoteJWKSet(jwks, {
          cacheMaxAge: options.jwksMaxAgeMs ?? 600_000,
          cooldownDuration: options.jwksCooldownMs ?? 30_000,
          timeoutDuration: 5_000,
        })
      : createLocalJWKSet(jwks)
  return {
    async callerOf(authorization) {
      const [, token] = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '') ?? []
      if (token === undefined) {
        throw tokenError(
          'MISSING',
          'The request carries no bearer token',
          'Send Authorization: Bearer <token>',
        )
      }
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms: [...algorithms],
          clockTolerance: clockToleranceS,
          requiredClaims: ['exp', 'sub', 'tenant_id'],
        })
        return callerIn(payload)
      } catch (error) {
        throw asTokenError(error)
      }
    },
  }
}

/** jose takes an empty issuer or audience for "do not look": an unset variable would let every token in. */
function assertPinned(issuer: string, audience: string, algorithms: readonly string[]): void {
  const others = algorithms.filter((each) => !acceptable.includes(each))
  const isGiven = [issuer, audience].every(
    (name: unknown) => typeof name === 'string' && name.trim() !== '',
  )
  if (isGiven && algorithms.length > 0 && others.length === 0) return
  throw new WatertightError(
    'WATERTIGHT_BAD_VERIFIER',
    `Tokens cannot be judged by the issuer ${JSON.stringify(issuer)}, the audience ${JSON.stringify(audience)} and ` +
      `the algorithms ${JSON.stringify(algorithms)}`,
    { hint: `Name the issuer and the audience, and algorithms among ${acceptable.join(', ')}` },
  )
}

function callerIn({ sub, tenant_id: tenantId, scope }: JWTPayload): Caller {
  if (typeof tenantId !== 'string')
    throw tokenError('INVALID', 'The claim tenant_id is no text', 'Ask for a new token')
  tenantNames(tenantId)
  if (typeof sub !== 'string' || sub === '' || sub.includes('\0') || !sub.isWellFormed()) {
    throw tokenError(
      'INVALID',
      'The claim sub is no name that the audit trail can hold',
      'Ask for a new token',
    )
  }
  const scopes: readonly unknown[] = Array.isArray(scope)
    ? scope
    : typeof scope === 'string'
      ? scope.split(' ')
      : []
  const named = scopes.filter((each): each is string => typeof each === 'string' && each !== '')
  return { tenantId, userId: sub, scopes: new Set(named) }
}

/** Never with the token in it, and never with more than its bearer needs to know. */
function asTokenError(error: unknown): WatertightError {
  if (error instanceof WatertightError) return error
  if (error instanceof errors.JWTExpired)
    return tokenError('EXPIRED', 'The token has expired', 'Ask for a new token')
  if (error instanceof errors.JWTClaimValidationFailed) {
    return tokenError(
      'INVALID',
      `The claim ${error.claim} of the token is not what this service takes`,
      'Ask for a token for this service',
    )
  }
  // The set could not be fetched or read: the token may be good, and nobody can tell.
  const isJose = error instanceof errors.JOSEError
  if (
    !isJose ||
    ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'].includes(error.code)
  ) {
    return new WatertightError(
      'WATERTIGHT_KEYS_UNREACHABLE',
      'The keys of the issuer could not be fetched',
      { hint: 'Try again; the operator looks at the address of the JWKS', cause: error },
    )
  }
  return tokenError(
    'INVALID',
    'The token is not one that this service can accept',
    'Ask for a new token',
  )
}

function tokenError(
  kind: 'EXPIRED' | 'INVALID' | 'MISSING',
  sentence: string,
  hint: string,
): WatertightError {
  return new WatertightError(`WATERTIGHT_TOKEN_${kind}`, sentence, { hint })
}
