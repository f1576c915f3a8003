/** The seed's connection pool: pool_size, max_overflow, recycling, and a share for each tenant. */

import { messageOf, WatertightError } from '../errors.ts'
import type { StrategyClient, StrategyPool } from '../model/context-strategy.ts'
import { clearSession, cutOff } from '../postgres/session/clear-session.ts'
import {
  openDriverPool,
  type DriverClient,
  type DriverPool,
  type DriverPoolOptions,
} from '../postgres/session/driver-pool.ts'
import { Admission, type TenantUse } from './admission.ts'
import { requireLimits, type PoolConfiguration } from './configuration.ts'

export type TenantPoolOptions = Omit<DriverPoolOptions, 'max' | 'maxLifetimeSeconds' | 'pipeline'>

export interface PoolUse {
  /** Connections that are open, idle or on loan. */
  readonly open: number
  readonly idle: number
  /** Loans, and requests that are being connected. */
  readonly busy: number
  readonly waiting: number
  /** Requests that gave up, since the start. */
  readonly timeouts: number
  readonly tenants: ReadonlyMap<string, TenantUse>
}

type TenantPool = Pick<StrategyPool, 'connect'>

const leaveMs = 1_000

export class TenantPools implements AsyncDisposable {
  readonly #pool: DriverPool
  readonly #limits: PoolConfiguration
  readonly #admission: Admission
  readonly #views = new Map<string, TenantPool>()
  readonly #giveUp = new Set<(error: WatertightError) => void>()
  /** Each with what takes the connection away from it. */
  readonly #loans = new Set<() => void>()
  /** Connections that are being opened, each with what gives it up. */
  readonly #opening = new Set<(error: WatertightError) => void>()
  /** All that are open. */
  readonly #clients = new Set<DriverClient>()
  #timeouts = 0
  #closing: Promise<void> | null = null
  #settled: () => void = () => undefined

  /** @throws WatertightError WATERTIGHT_BAD_OPTION for limits that are none. */
  constructor(options: TenantPoolOptions, limits: PoolConfiguration) {
    requireLimits(limits)
    const total = limits.poolSize + limits.maxOverflow
    this.#limits = limits
    this.#admission = new Admission({ total, perTenant: limits.tenantPoolPerTenant })
    // Pipelining saves withTenant a round trip, and lets a connection be cleared while it is lent again.
    this.#pool = openDriverPool({
      ...options,
      pipeline: true,
      max: total,
      maxLifetimeSeconds: limits.poolRecycle,
    })
    this.#pool.on('connect', (client) => {
      this.#clients.add(client)
    })
    this.#pool.on('remove', (client) => {
      this.#clients.delete(client)
    })
  }

  /**
   * The pool as one tenant has it: `withTenant(pools.of(id), id, work)`. The same object each time; with a signal it is
   * one request's, which leaves the queue when the signal aborts (WATERTIGHT_CLIENT_GONE). That holds for its first
   * connection: what is asked for afterwards is about what was done, such as a line of the audit trail.
   */
  of(tenant: string, signal?: AbortSignal): TenantPool {
    if (signal !== undefined) {
      let until: AbortSignal | undefined = signal
      return {
        connect: () => {
          const asked = this.#connect(tenant, until)
          until = undefined
          return asked
        },
      }
    }
    const view = this.#views.get(tenant) ?? { connect: () => this.#connect(tenant) }
    this.#views.set(tenant, view)
    return view
  }

  use(): PoolUse {
    const { busy, waiting } = this.#admission
    return {
      open: this.#pool.totalCount,
      idle: this.#pool.idleCount,
      busy,
      waiting,
      timeouts: this.#timeouts,
      tenants: this.#admission.tenants(),
    }
  }

  /**
   * Refuses new requests and those that wait, lets loans end for waitMs (default 30,000), then cuts them, and gives up
   * connections that are being opened.
   */
  close({ waitMs = 30_000 }: { readonly waitMs?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(waitMs))
  }

  async #close(waitMs: number): Promise<void> {
    for (const giveUp of [...this.#giveUp]) giveUp(closed())
    if (this.#admission.busy > 0) {
      await new Promise<void>((resolve) => {
        const late = setTimeout(() => {
          for (const cut of [...this.#loans]) cut()
          for (const giveUp of [...this.#opening]) {
            this.#opening.delete(giveUp)
            giveUp(closed())
          }
        }, waitMs)
        this.#settled = () => {
          clearTimeout(late)
          resolve()
        }
      })
    }
    // The driver takes leave of the server and waits for its answer, and one that stands still gives none.
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, leaveMs)
    })
    await Promise.race([this.#pool.end(), late])
    clearTimeout(timer)
    for (const client of this.#clients) cutOff(client)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #connect(tenant: string, signal?: AbortSignal): Promise<StrategyClient> {
    if (this.#closing !== null) throw closed()
    if (signal?.aborted === true) throw gone(tenant)
    await this.#admitted(tenant, signal)
    try {
      return this.#lend(tenant, await this.#opened())
    } catch (error) {
      this.#back(tenant)
      if (error instanceof WatertightError) throw error
      throw new WatertightError(
        'WATERTIGHT_UNREACHABLE',
        `No connection could be opened for tenant ${JSON.stringify(tenant)}: ${messageOf(error)}`,
        {
          hint: 'Look whether the server runs and takes more connections (max_connections)',
          cause: error,
        },
      )
    }
  }

  #opened(): Promise<DriverClient> {
    return new Promise((resolve, reject) => {
      this.#opening.add(reject)
      void this.#pool
        .connect()
        .then((client) => {
          // One that comes after it was given up is nobody's.
          if (this.#opening.has(reject)) resolve(client)
          else client.release(true)
        }, reject)
        .finally(() => {
          this.#opening.delete(reject)
        })
    })
  }

  /** Waits in two stretches: for the tenant's own share, then for the pool as a whole. */
  #admitted(tenant: string, signal?: AbortSignal): Promise<void> {
    const { tenantConnectionTimeout, poolTimeout } = this.#limits
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const end = (finish: () => void) => {
        clearTimeout(timer)
        this.#giveUp.delete(refuse)
        signal?.removeEventListener('abort', hangUp)
        finish()
      }
      const refuse = (error: WatertightError) => {
        end(() => {
          if (withdraw()) reject(error)
        })
      }
      const hangUp = () => {
        refuse(gone(tenant))
      }
      const whenLate = (seconds: number) => {
        if (!this.#admission.isTenantFull(tenant) && seconds < poolTimeout) {
          timer = setTimeout(
            () => {
              whenLate(poolTimeout)
            },
            (poolTimeout - seconds) * 1_000,
          )
          return
        }
        this.#timeouts += 1
        refuse(this.#late(tenant, seconds))
      }
      // Entering may admit at once, before there is a timer to clear.
      let isAdmitted = false
      const withdraw = this.#admission.enter(tenant, () => {
        isAdmitted = true
        end(resolve)
      })
      if (isAdmitted) return
      const first = Math.min(tenantConnectionTimeout, poolTimeout)
      timer = setTimeout(() => {
        whenLate(first)
      }, first * 1_000)
      this.#giveUp.add(refuse)
      signal?.addEventListener('abort', hangUp)
    })
  }

  #late(tenant: string, seconds: number): WatertightError {
    const { poolSize, maxOverflow, tenantPoolPerTenant, tenantConnectionTimeout, poolTimeout } =
      this.#limits
    const isTenant = this.#admission.isTenantFull(tenant)
    const limit = isTenant
      ? `its ${tenantPoolPerTenant} connections (tenant_pool_per_tenant)`
      : `the ${poolSize + maxOverflow} connections of the pool (pool_size + max_overflow)`
    const wait =
      isTenant && tenantConnectionTimeout <= poolTimeout
        ? 'tenant_connection_timeout'
        : 'pool_timeout'
    return new WatertightError(
      'WATERTIGHT_POOL_TIMEOUT',
      `Tenant ${JSON.stringify(tenant)} waited ${seconds} s (${wait}) for one of ${limit}, all of them busy`,
      {
        hint: isTenant
          ? 'Its own requests hold them: make them shorter, or raise DB_TENANT_POOL_PER_TENANT'
          : 'Make requests shorter, or raise DB_POOL_SIZE or DB_MAX_OVERFLOW',
      },
    )
  }

  #lend(tenant: string, client: DriverClient): StrategyClient {
    let isBack = false
    let running = 0
    const release = (error?: boolean | Error) => {
      // Given back twice, it could already be another tenant's.
      if (isBack) return
      isBack = true
      this.#loans.delete(cut)
      // A statement that still runs would run into the next loan; what is beyond pool_size does not stay.
      const isKept = running === 0 && this.#pool.idleCount < this.#limits.poolSize
      const cause = error || !isKept
      if (cause === false) clearSession(client)
      client.release(cause)
      this.#back(tenant)
    }
    const cut = () => {
      cutOff(client)
      release(true)
    }
    this.#loans.add(cut)
    const query = async (sql: string, values?: readonly unknown[]) => {
      if (isBack) throw released(tenant)
      running += 1
      try {
        return await (values === undefined ? client.query(sql) : client.query(sql, [...values]))
      } finally {
        running -= 1
      }
    }
    return {
      query,
      release,
      pipeline: (client as { readonly pipeline?: boolean }).pipeline === true,
      getTransactionStatus: () =>
        (client as { getTransactionStatus?(): string }).getTransactionStatus?.() ?? null,
    } as StrategyClient
  }

  #back(tenant: string): void {
    this.#admission.leave(tenant)
    if (this.#closing !== null && this.#admission.busy === 0) this.#settled()
  }
}

function closed(): WatertightError {
  return new WatertightError('WATERTIGHT_POOL_CLOSED', 'The pool is closed', {
    hint: 'The service is shutting down',
  })
}

function gone(tenant: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_CLIENT_GONE',
    `A request of tenant ${JSON.stringify(tenant)} was given up before it had a connection`,
    { hint: 'Its client has hung up; nothing was done' },
  )
}

function released(tenant: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_RELEASED',
    `A connection that tenant ${JSON.stringify(tenant)} has given back is asked again`,
    { hint: "It may be another tenant's by now; give it back after the last statement" },
  )
}
