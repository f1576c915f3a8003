/** An issuer of our own and the forgeries that a service must see through; no library that it uses has made them. */

import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { TokenSpec } from './service-request.ts'

export const issuer = 'https://issuer.example'
export const audience = 'dotmac'
const kid = 'first'
const ttlS = 300

interface Draft {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** Default the issuer's key. */
  readonly signature?: (signed: string) => string
}

/** The `kind` of a token that the issuer made for this service. */
export const issued = 'issued'

export class TokenForge {
  readonly #key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  readonly #other = generateKeyPairSync('ec', { namedCurve: 'P-256' })

  /** What the issuer publishes. */
  get jwks() {
    return {
      keys: [{ ...this.#key.publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }],
    }
  }

  /** @throws for a kind that is not in `forgeries`. */
  token({ tenant, kind, scope }: TokenSpec): string {
    const now = Math.floor(Date.now() / 1_000)
    const honest: Draft = {
      header: { alg: 'ES256', kid },
      claims: {
        iss: issuer,
        aud: audience,
        sub: 'user@example.org',
        iat: now,
        exp: now + ttlS,
        tenant_id: tenant,
        ...(scope === undefined ? {} : { scope }),
      },
    }
    if (kind === issued) return this.#written(honest)
    const forgery = forgeries[kind]
    if (forgery === undefined) throw new Error(`there is no forgery ${kind}`)
    return forgery(honest, {
      written: (draft) => this.#written(draft),
      key: this.#key,
      other: this.#other,
      now,
    })
  }

  #written({
    header,
    claims,
    signature = (text) => es256(text, this.#key.privateKey),
  }: Draft): string {
    const signed = `${encoded(header)}.${encoded(claims)}`
    return `${signed}.${signature(signed)}`
  }
}

interface Tools {
  readonly written: (draft: Draft) => string
  readonly key: { readonly publicKey: KeyObject }
  readonly other: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly now: number
}

/** Each says it is the tenant's; none may be taken. https://www.rfc-editor.org/rfc/rfc8725 */
const forgeries: Readonly<Record<string, (honest: Draft, tools: Tools) => string>> = {
  'signed by another key': (honest, { written, other }) =>
    written({ ...honest, signature: (text) => es256(text, other.privateKey) }),
  'alg none without a signature': (honest, { written }) =>
    written({ ...honest, header: { alg: 'none' }, signature: () => '' }),
  'alg none with a signature': (honest, { written }) =>
    written({ ...honest, header: { alg: 'none', kid } }),
  'alg none in capitals': (honest, { written }) =>
    written({ ...honest, header: { alg: 'NONE', kid } }),
  'the signature cut off': (honest, { written }) => written({ ...honest, signature: () => '' }),
  'HS256 with the public key': (honest, { written, key }) => {
    const secret = key.publicKey.export({ format: 'pem', type: 'spki' })
    return written({
      ...honest,
      header: { alg: 'HS256', kid },
      signature: (text) => hs256(text, secret),
    })
  },
  'HS256 with an empty secret': (honest, { written }) =>
    written({ ...honest, header: { alg: 'HS256', kid }, signature: (text) => hs256(text, '') }),
  'a key that it brings along': (honest, { written, other }) =>
    written({
      ...honest,
      header: { alg: 'ES256', jwk: other.publicKey.export({ format: 'jwk' }) },
      signature: (text) => es256(text, other.privateKey),
    }),
  'an unknown key id': (honest, { written, other }) =>
    written({
      ...honest,
      header: { alg: 'ES256', kid: '../../etc/passwd' },
      signature: (text) => es256(text, other.privateKey),
    }),
  'the tenant changed after it was signed': (honest, { written }) => {
    const [header, , signature] = written({
      ...honest,
      claims: { ...honest.claims, tenant_id: 'nobody' },
    }).split('.')
    return `${header ?? ''}.${encoded(honest.claims)}.${signature ?? ''}`
  },
  'the scope added after it was signed': (honest, { written }) => {
    const [header, , signature] = written(honest).split('.')
    return `${header ?? ''}.${encoded({ ...honest.claims, scope: 'reporting' })}.${signature ?? ''}`
  },
  expired: (honest, { written, now }) =>
    withClaims(honest, written, { iat: now - 2 * ttlS, exp: now - ttlS }),
  'without an expiry': (honest, { written }) => withClaims(honest, written, { exp: undefined }),
  'not valid yet': (honest, { written, now }) => withClaims(honest, written, { nbf: now + ttlS }),
  'for another audience': (honest, { written }) =>
    withClaims(honest, written, { aud: 'https://other.example' }),
  'without an audience': (honest, { written }) => withClaims(honest, written, { aud: undefined }),
  'of another issuer': (honest, { written }) =>
    withClaims(honest, written, { iss: 'https://other.example' }),
  'without a subject': (honest, { written }) => withClaims(honest, written, { sub: undefined }),
  'with a list of tenants': (honest, { written }) =>
    withClaims(honest, written, { tenant_id: [honest.claims['tenant_id']] }),
  'the tenant under another name': (honest, { written }) =>
    withClaims(honest, written, { tenant_id: undefined, tenant: honest.claims['tenant_id'] }),
}

export const forgeryKinds: readonly string[] = Object.keys(forgeries)

function withClaims(honest: Draft, written: Tools['written'], claims: Draft['claims']): string {
  return written({ ...honest, claims: { ...honest.claims, ...claims } })
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function es256(text: string, key: KeyObject): string {
  return sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

function hs256(text: string, secret: string | Buffer): string {
  return createHmac('sha256', secret).update(text).digest('base64url')
}
