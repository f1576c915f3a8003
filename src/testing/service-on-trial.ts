/** The service with a real issuer beside it: what the tests of access ask over HTTP. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import { PlatformOnTrial } from './platform-on-trial.ts'
import { tokenVerifier, type VerifierOptions } from '../dotmac/access/tokens.ts'
import { readConfiguration, type Variables } from '../dotmac/configuration.ts'
import type { TenancyName } from '../model/tenancy.ts'
import { TenantPools } from '../dotmac/tenant-pools.ts'
import { reporter } from '../dotmac/reporting.ts'
import { createService } from '../dotmac/service/service.ts'
import { serviceHealth } from '../dotmac/service/service-health.ts'
import { serveService, type RunningService } from '../dotmac/service/serve.ts'

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

export interface TokenOptions {
  readonly tenant?: unknown
  readonly audience?: string
  readonly expiresIn?: string
  readonly scope?: string
  readonly kid?: string
}

/** Publishes its keys on a port, as an identity provider does; keys can be taken away and added. */
export class Issuer implements AsyncDisposable {
  readonly keys = new Map<string, { readonly privateKey: PrivateKey; readonly jwk: JWK }>()
  readonly #server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [...this.keys.values()].map(({ jwk }) => jwk) }))
  })

  async start(): Promise<this> {
    await this.add('first')
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        resolve()
      })
    })
    return this
  }

  get jwks(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks.json`)
  }

  async add(kid: string): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    this.keys.set(kid, {
      privateKey,
      jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
    })
  }

  token(options: TokenOptions = {}): Promise<string> {
    const { tenant, audience = 'dotmac', expiresIn = '5m', scope, kid = 'first' } = options
    const key = this.keys.get(kid)
    if (key === undefined) throw new Error(`the issuer has no key ${kid}`)
    const ofTenant = tenant === undefined ? {} : { tenant_id: tenant }
    const claims = { ...ofTenant, ...(scope === undefined ? {} : { scope }) }
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid })
      .setSubject('user@example.org')
      .setIssuer('https://issuer.example')
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(expiresIn)
      .sign(key.privateKey)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

export interface ServiceTrialOptions {
  readonly variables?: Variables
  readonly verifier?: Partial<VerifierOptions>
  /** Default row-level-security. */
  readonly tenancy?: TenancyName
  readonly trustedProxies?: readonly string[]
  readonly drainMs?: number
}

interface Parts {
  readonly platform: PlatformOnTrial
  readonly issuer: Issuer
  readonly pools: TenantPools
  readonly service: RunningService
  readonly errors: unknown[]
}

export class ServiceOnTrial implements AsyncDisposable {
  readonly platform: PlatformOnTrial
  readonly issuer: Issuer
  readonly errors: unknown[] = []
  readonly #pools: TenantPools
  readonly #service: RunningService

  private constructor(parts: Parts) {
    this.platform = parts.platform
    this.issuer = parts.issuer
    this.#pools = parts.pools
    this.#service = parts.service
    this.errors = parts.errors
  }

  static async start(options: ServiceTrialOptions = {}): Promise<ServiceOnTrial> {
    const {
      variables = {},
      verifier = {},
      tenancy = 'row-level-security',
      trustedProxies = [],
      drainMs,
    } = options
    const platform = await PlatformOnTrial.start({
      tenancy,
      services: ['isp'],
      tenants: 3,
      rows: 30,
    })
    const issuer = await new Issuer().start()
    const { address, namespace, passwords } = platform.open.site
    const login = { user: namespace.roles.app, password: passwords.app }
    const configuration = readConfiguration(variables)
    const pools = new TenantPools(
      { address, database: platform.database('isp'), login },
      configuration.pool,
    )
    const health = platform.pool('isp')
    const errors: unknown[] = []
    const app = createService({
      verifier: tokenVerifier({
        jwks: issuer.jwks,
        issuer: 'https://issuer.example',
        audience: 'dotmac',
        ...verifier,
      }),
      isp: (tenant, signal) => pools.of(tenant, signal),
      tenancy,
      report: reporter({
        isp: platform.pool('isp', { login: 'admin' }),
        trail: (tenant) => pools.of(tenant),
        tenancy,
      }),
      configuration,
      onError: (error) => errors.push(error),
      health: serviceHealth({ reach: () => health.query('SELECT 1') }),
      trustedProxies,
    })
    const service = await serveService(app, {
      port: 0,
      ...(drainMs === undefined ? {} : { drainMs }),
    })
    return new ServiceOnTrial({ platform, issuer, pools, service, errors })
  }

  get port(): number {
    return this.#service.port
  }
  /** Requests that wait for a connection. */
  get waiting(): number {
    return this.#pools.use().waiting
  }

  /** Ends the service alone, as its tests do. */
  close(): Promise<void> {
    return this.#service.close()
  }

  /** Asks as a tenant; `tenant: null` sends no token. */
  async ask(
    path: string,
    { tenant, token, ...init }: RequestInit & { tenant?: string | null; token?: string } = {},
  ): Promise<{ status: number; headers: Headers; text: string; body: Record<string, unknown> }> {
    const bearer =
      token ??
      (tenant === null || tenant === undefined ? null : await this.issuer.token({ tenant }))
    const authorization = bearer === null ? {} : { authorization: `Bearer ${bearer}` }
    const headers = { ...(init.headers as Record<string, string>), ...authorization }
    const response = await fetch(`http://127.0.0.1:${this.#service.port}${path}`, {
      ...init,
      headers,
    })
    const text = await response.text()
    const body = JSON.parse(text) as Record<string, unknown>
    return { status: response.status, headers: response.headers, text, body }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service.close()
    await this.#pools.close({ waitMs: 0 })
    await this.issuer[Symbol.asyncDispose]()
    await this.platform[Symbol.asyncDispose]()
  }
}
