/** The HTTP service on a database that is ours alone, with an issuer: a port for each setting of strictness. */

import { readConfiguration } from '../../dotmac/configuration.ts'
import { serveService, type RunningService } from '../../dotmac/service/serve.ts'
import { TenantPools } from '../../dotmac/tenant-pools.ts'
import { openDriverPool, type DriverPool } from '../../postgres/session/driver-pool.ts'
import { CompanionKey } from '../../world/companion.ts'
import type { World } from '../../world/world.ts'
import type { ServiceAttempt } from './answers.ts'
import { handlerFor } from './handler-for.ts'
import { ScratchRows } from './scratch-rows.ts'
import type { ServiceBuild } from './service-build.ts'
import type { Answer, ServiceRequest } from './service-request.ts'
import { TokenForge } from './token-forge.ts'

export interface ServiceSite {
  /** A copy of the world's database, or its own where nobody else uses it: requests are committed in it. */
  readonly database: string
  /** Default the reference platform's service. */
  readonly build?: ServiceBuild
}

/** The service of a world, started when it is first asked. */
export const serviceRig = new CompanionKey<ServiceRig>('http')

const answerTimeoutMs = 10_000
const answersAtOnce = 8

export class ServiceRig implements AsyncDisposable {
  readonly rows: ScratchRows
  readonly #forge: TokenForge
  readonly #pools: readonly DriverPool[]
  readonly #tenants: TenantPools
  readonly #services: readonly RunningService[]
  /** Requests that change nothing run side by side; one that may runs alone. */
  readonly #sharing = new Set<Promise<unknown>>()
  #turn: Promise<unknown> = Promise.resolve()
  readonly #asked = new Map<string, Promise<ServiceAttempt>>()

  private constructor(parts: {
    readonly rows: ScratchRows
    readonly forge: TokenForge
    readonly pools: readonly DriverPool[]
    readonly tenants: TenantPools
    readonly services: readonly RunningService[]
  }) {
    this.rows = parts.rows
    this.#forge = parts.forge
    this.#pools = parts.pools
    this.#tenants = parts.tenants
    this.#services = parts.services
  }

  static async open(world: World, { database, build }: ServiceSite): Promise<ServiceRig> {
    const rows = await ScratchRows.open(world, database)
    const { roles, passwords, address } = world.options
    const poolOf = (name: 'app' | 'admin', max: number) =>
      openDriverPool({
        address,
        database,
        login: { user: roles[name], password: passwords[name] },
        max,
      })
    const pools = {
      app: poolOf('app', answersAtOnce),
      reporting: poolOf('admin', 2),
      superuser: openDriverPool({ address, database, max: 2 }),
    }
    const login = { user: roles.app, password: passwords.app }
    const tenants = new TenantPools({ address, database, login }, readConfiguration({}).pool)
    const services: RunningService[] = []
    const parts = { rows, forge: new TokenForge(), pools: Object.values(pools), tenants, services }
    const rig = new ServiceRig(parts)
    try {
      // In this order: found by `strict` as a number.
      for (const strict of [false, true]) {
        const fetch = handlerFor(world, {
          ...pools,
          tenants,
          jwks: parts.forge.jwks,
          strict,
          ...(build && { build }),
        })
        parts.services.push(await serveService({ fetch }, { port: 0 }))
      }
      return rig
    } catch (error) {
      await rig[Symbol.asyncDispose]()
      throw error
    }
  }

  get lost(): boolean {
    return this.rows.lost
  }

  /** Sends the request as it is. @throws when there is no answer. */
  async send(request: ServiceRequest): Promise<Answer> {
    const { method, path, headers, body, token, strict } = request
    const port = this.#services[Number(strict)]?.port ?? 0
    const authorization =
      token === null ? {} : { authorization: `Bearer ${this.#forge.token(token)}` }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { ...headers, ...authorization },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerTimeoutMs),
    })
    const lines: string[] = []
    response.headers.forEach((value, name) => lines.push(`${name}: ${value}`))
    return { status: response.status, body: await response.text(), headers: lines.join('\n') }
  }

  /** For what changes nothing. */
  async shared<T>(work: () => Promise<T>): Promise<T> {
    for (let turn = null; turn !== this.#turn || this.#sharing.size >= answersAtOnce;) {
      turn = this.#turn
      await turn
      if (this.#sharing.size >= answersAtOnce) await Promise.race(this.#sharing)
    }
    const running = work()
    const settled = running.then(
      () => undefined,
      () => undefined,
    )
    this.#sharing.add(settled)
    try {
      return await running
    } finally {
      this.#sharing.delete(settled)
    }
  }

  /**
   * One execution for all who ask the same: an answer on the rows of the beginning is the same for every probe.
   * What was no answer is asked again by the next.
   */
  async once(question: string, ask: () => Promise<ServiceAttempt>): Promise<ServiceAttempt> {
    const known = this.#asked.get(question)
    if (known !== undefined) return known
    const asked = ask()
    this.#asked.set(question, asked)
    const isAnswered = await asked.then(
      ({ steps }) => steps.every(({ observation }) => observation.kind !== 'indeterminate'),
      () => false,
    )
    if (!isAnswered) this.#asked.delete(question)
    return asked
  }

  /** Alone, on the rows of the beginning; the work brings them back, as `changesFor` does. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(async () => {
      while (this.#sharing.size > 0) await Promise.race(this.#sharing)
      await this.rows.restore()
      try {
        return await work()
      } catch (error) {
        await this.rows.restore()
        throw error
      }
    })
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn
    for (const service of this.#services) await service.close()
    await this.#tenants.close({ waitMs: answerTimeoutMs })
    for (const pool of this.#pools) await pool.end()
    await this.rows[Symbol.asyncDispose]()
  }
}
