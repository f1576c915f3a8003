import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { tokenVerifier, type VerifierOptions } from './tokens.ts'

const issuer = 'https://issuer.example'
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] }

const signed = (claims: object) =>
  new SignJWT({
    iss: issuer,
    aud: 'dotmac',
    sub: 'ann',
    tenant_id: 'a',
    exp: Math.floor(Date.now() / 1_000) + 60,
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .sign(privateKey)

test.each([
  { issuer: '' },
  { issuer: ' ' },
  { audience: '' },
  { audience: undefined },
  { algorithms: [] },
  { algorithms: ['HS256'] },
  { algorithms: ['ES256', 'none'] },
])('a verifier that would let tokens in unseen is refused: %j', (bad) => {
  const options = { jwks, issuer, audience: 'dotmac', ...bad } as VerifierOptions
  expect(() => tokenVerifier(options)).toThrow(
    expect.objectContaining({ code: 'WATERTIGHT_BAD_VERIFIER' }) as Error,
  )
})

test.each([
  { sub: '\0' },
  { sub: 'a\0' },
  { sub: '' },
  { sub: 7 },
  { tenant_id: ['a'] },
  { tenant_id: null },
  { tenant_id: {} },
  { nbf: Math.floor(Date.now() / 1_000) + 60 },
  { exp: '9999999999' },
  { aud: ['x', 'y'] },
  { iss: [issuer] },
])('a signed token with the claims %j is refused as one', async (claims) => {
  const verifier = tokenVerifier({ jwks, issuer, audience: 'dotmac' })
  await expect(verifier.callerOf(`Bearer ${await signed(claims)}`)).rejects.toMatchObject({
    code: 'WATERTIGHT_TOKEN_INVALID',
  })
  expect(await verifier.callerOf(`bearer ${await signed({ aud: ['x', 'dotmac'] })}`)).toMatchObject(
    { tenantId: 'a', userId: 'ann' },
  )
})

test('only texts are scopes', async () => {
  const verifier = tokenVerifier({ jwks, issuer, audience: 'dotmac' })
  for (const scope of [
    [['reporting']],
    [{ toString: 'reporting' }],
    7,
    { reporting: true },
    null,
  ]) {
    expect((await verifier.callerOf(`Bearer ${await signed({ scope })}`)).scopes).toEqual(new Set())
  }
  expect(
    (await verifier.callerOf(`Bearer ${await signed({ scope: ['a', 'reporting'] })}`)).scopes,
  ).toEqual(new Set(['a', 'reporting']))
})

test.each(['<html>', '[]', '{"keys":"x"}', '', null])(
  'an issuer that answers %j is an outage, never a bad token and never a good one',
  async (answer) => {
    const server = createServer((_request, response) => {
      response.statusCode = answer === null ? 500 : 200
      response.end(answer ?? '{}')
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    try {
      const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      const verifier = tokenVerifier({ jwks: url, issuer, audience: 'dotmac' })
      await expect(verifier.callerOf(`Bearer ${await signed({})}`)).rejects.toMatchObject({
        code: 'WATERTIGHT_KEYS_UNREACHABLE',
      })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  },
)
