/** One request: who asks, in whose context its work runs, and the line that it leaves in the trail. */

import type { Context } from 'hono'
import { WatertightError } from '../../errors.ts'
import type { StrategyPool, StrategySession } from '../../model/context-strategy.ts'
import type { TenancyName } from '../../model/tenancy.ts'
import type { Caller, TokenVerifier } from '../access/tokens.ts'
import { fitted, recordRefusals, type AuditEntry } from '../audit/record-access.ts'
import { noTenant, withKnownTenant } from '../audit/known-tenant.ts'
import { aimedAt, withAuditedTenant } from '../audit/with-audited-tenant.ts'
import type { Configuration } from '../configuration.ts'
import type { Report } from '../reporting.ts'
import { clientOf, trustedProxies, type TrustedProxies } from './client-address.ts'
import { otherTenant, tenantMismatch } from './named-tenants.ts'
import { bodyOf, type Body } from './json-body.ts'
import type { TenantMapping } from './tenant-mapping.ts'
import type { ServiceHealth } from './service-health.ts'

/**
 * A pool as one tenant has it: `pools.of` of TenantPools, or `() => pool`. The signal is a request's, aborted when its
 * client hangs up; without one the pool is for what is done in any case.
 */
export type PoolOf = (tenantId: string, signal?: AbortSignal) => Pick<StrategyPool, 'connect'>

export interface ServiceOptions {
  readonly verifier: TokenVerifier
  /** The ISP database, as the application's login. */
  readonly isp: PoolOf
  /** Reports over all tenants; absent where the service has none. The caller's scope is checked before. */
  readonly report?: Report
  readonly configuration: Pick<Configuration, 'auditTenantAccess' | 'tenantIsolationStrict'>
  /** Default row-level-security. */
  readonly tenancy?: TenancyName
  /** Under schema-per-tenant; default the names that follow from the id. See tenantMapping(). */
  readonly mapping?: TenantMapping
  /** What /health answers, by serviceHealth(). */
  readonly health: () => Promise<ServiceHealth>
  /** What /metrics answers, in Prometheus' text; it needs no token, so it must name nobody. Default: no such path. */
  readonly metrics?: () => string
  /** Addresses or networks whose X-Forwarded-For is believed. Default none: the peer's address is the client's. */
  readonly trustedProxies?: readonly string[]
  /** What went wrong and is nobody's business outside; default: nothing is kept. */
  readonly onError?: (error: unknown) => void
}

interface Asked {
  readonly caller: Caller
  readonly table: string
  readonly operation: string
  readonly aim?: (id: string | undefined, body: Body) => string | null
}

type Work = (session: StrategySession, caller: Caller, body: Body) => Promise<object>

export class Requests {
  readonly #options: ServiceOptions
  readonly #isTrusted: TrustedProxies

  constructor(options: ServiceOptions) {
    this.#options = options
    this.#isTrusted = trustedProxies(options.trustedProxies ?? [])
  }

  /** Authenticates, runs the work in the tenant's context, and leaves a line in the trail either way. */
  async answer(context: Context, asked: Omit<Asked, 'caller'>, work: Work): Promise<Response> {
    const caller = await this.#options.verifier.callerOf(context.req.header('authorization'))
    const body = await bodyOf(context)
    const other = otherTenant(context, caller, body)
    const {
      isp,
      configuration: { auditTenantAccess: enabled, tenantIsolationStrict },
    } = this.#options
    const access = await this.#accessOf(context, { ...asked, caller })
    if (other !== null) {
      // Also where it is ignored: it was tried.
      const tableName = aimedAt(access.tableName, 'of', other)
      const mismatch = tenantMismatch()
      await recordRefusals(
        isp(caller.tenantId),
        { ...access, tableName, enabled },
        { thrown: tenantIsolationStrict ? [mismatch] : [] },
      )
      if (tenantIsolationStrict) throw mismatch
    }
    const aim = asked.aim?.(context.req.param('id'), body) ?? null
    const aimed = aim === null ? {} : { aim }
    const pool = isp(caller.tenantId, context.req.raw.signal)
    const answer = await withAuditedTenant(
      pool,
      { ...access, enabled, ...aimed },
      async (session) => {
        if (!enabled) await this.#requireListed(session, caller)
        return work(session, caller, body)
      },
    )
    return context.json(answer, asked.operation === 'INSERT' ? 201 : 200, {
      'cache-control': 'no-store',
    })
  }

  async report(context: Context): Promise<Response> {
    const caller = await this.#options.verifier.callerOf(context.req.header('authorization'))
    const name = context.req.param('name') ?? ''
    const {
      isp,
      report,
      configuration: { auditTenantAccess: enabled },
    } = this.#options
    const access = await this.#accessOf(context, { caller, table: name, operation: 'REPORT' })
    if (!caller.scopes.has('reporting') || report === undefined) {
      const error = new WatertightError(
        'WATERTIGHT_SCOPE',
        'Reports over tenants need the scope reporting',
        { hint: 'Ask the issuer for a token with it' },
      )
      await recordRefusals(isp(caller.tenantId), { ...access, enabled }, { thrown: [error] })
      throw error
    }
    if (!enabled) {
      await withKnownTenant(isp(caller.tenantId), access.tenant, (session) =>
        this.#requireListed(session, caller),
      )
    }
    const rows = await report(name, { ...access, enabled })
    return context.json({ report: name, rows }, 200, { 'cache-control': 'no-store' })
  }

  /** A line of the trail refers to its tenant; where none is written, whether there is such a tenant is asked. */
  async #requireListed(session: StrategySession, { tenantId }: Caller): Promise<void> {
    const { tenancy = 'row-level-security' } = this.#options
    // Under schema-per-tenant a tenant that is not there has no role to become.
    if (tenancy === 'schema-per-tenant') return
    const { rows } = await session.query('SELECT 1 FROM isp_tenants WHERE tenant_id = $1', [
      tenantId,
    ])
    if (rows.length === 0) throw noTenant(tenantId)
  }

  async #accessOf(
    context: Context,
    { caller, table, operation }: Asked,
  ): Promise<Omit<AuditEntry, 'success'>> {
    const clientIp = clientOf(context, this.#isTrusted)
    const userAgent = context.req.header('user-agent')
    const { tenancy = 'row-level-security', mapping } = this.#options
    const mapped = await mapping?.(caller.tenantId)
    return {
      tenant: { id: caller.tenantId, tenancy, ...(mapped === undefined ? {} : { mapped }) },
      userId: fitted(caller.userId),
      tableName: fitted(table),
      operation,
      ...(clientIp === undefined ? {} : { clientIp }),
      ...(userAgent === undefined ? {} : { userAgent: fitted(userAgent) }),
    }
  }
}
