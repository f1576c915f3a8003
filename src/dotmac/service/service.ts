/**
 * The HTTP service: every request runs in the context of the token's tenant. A tenant that a URL, a header or a body
 * names is never trusted over it.
 */

import { getConnInfo } from '@hono/node-server/conninfo'
import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { WatertightError } from '../../errors.ts'
import type { StrategyPool, StrategySession } from '../../model/context-strategy.ts'
import type { TenancyName } from '../../model/tenancy.ts'
import type { Caller, TokenVerifier } from '../access/tokens.ts'
import { recordAccess, type AuditEntry } from '../audit/record-access.ts'
import { withAuditedTenant } from '../audit/with-audited-tenant.ts'
import type { Configuration } from '../configuration.ts'
import { refuseOtherTenants } from './named-tenants.ts'
import { badRequest, problemOf } from './problem.ts'
import { resources, type Resource } from './resources.ts'
import type { ServiceHealth } from './service-health.ts'
import { usageStatement } from './usage.ts'

/** A pool as one tenant has it: `pools.of` of TenantPools, or `() => pool`. */
export type PoolOf = (tenantId: string) => Pick<StrategyPool, 'connect'>

export interface ServiceOptions {
  readonly verifier: TokenVerifier
  /** The ISP database, as the application's login. */
  readonly isp: PoolOf
  /** Reports over all tenants; absent where the service has none. The caller's scope is checked before. */
  readonly report?: (name: string) => Promise<readonly Record<string, unknown>[]>
  readonly configuration: Pick<Configuration, 'auditTenantAccess' | 'tenantIsolationStrict'>
  /** Default row-level-security. */
  readonly tenancy?: TenancyName
  /** What /health answers, by serviceHealth(). */
  readonly health: () => Promise<ServiceHealth>
  /** What went wrong and is nobody's business outside; default: nothing is kept. */
  readonly onError?: (error: unknown) => void
}

interface Asked {
  readonly caller: Caller
  readonly table: string
  readonly operation: string
}

const bodyBytesMax = 64 * 1024

export function createService(options: ServiceOptions): Hono {
  const app = new Hono()
  const requests = new Requests(options)
  app.use(bodyLimit({ maxSize: bodyBytesMax, onError: () => {
    throw new WatertightError('WATERTIGHT_TOO_LARGE', `A body has ${bodyBytesMax} bytes at most`, { hint: 'Send less' })
  } }))
  app.get('/health', async (context) => {
    const health = await options.health()
    return context.json(health, health.status === 'up' ? 200 : 503, { 'cache-control': 'no-store' })
  })
  for (const resource of resources) addResource(app, requests, resource)
  app.get('/usage', (context) => requests.answer(context, { table: 'isp_analytics_daily', operation: 'SELECT' },
    async (session, { tenantId }) => {
      const { text, values } = usageStatement(tenantId, context.req.query())
      return { days: (await session.query(text, values)).rows }
    }))
  app.get('/admin/reports/:name', (context) => requests.report(context))
  app.notFound(() => { throw new WatertightError('WATERTIGHT_NOT_FOUND', 'There is no such thing', { hint: '' }) })
  app.onError((error) => {
    const problem = problemOf(error)
    if (problem.status >= 500) options.onError?.(error)
    const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
    return new Response(JSON.stringify(problem), { status: problem.status, headers })
  })
  return app
}

function addResource(app: Hono, requests: Requests, resource: Resource): void {
  const table = resource.table.name
  const path = `/${resource.path}`
  app.get(path, (context) => requests.answer(context, { table, operation: 'SELECT' }, (session, { tenantId }) =>
    resource.list(session, tenantId, context.req.query())))
  app.get(`${path}/:id`, (context) => requests.answer(context, { table, operation: 'SELECT' },
    (session, { tenantId }) => resource.get(session, tenantId, context.req.param('id'))))
  if (resource.writable.length === 0) return
  app.post(path, (context) => requests.answer(context, { table, operation: 'INSERT' }, (session, { tenantId }, body) =>
    resource.create(session, tenantId, body)))
  app.patch(`${path}/:id`, (context) => requests.answer(context, { table, operation: 'UPDATE' },
    (session, { tenantId }, body) => resource.update(session, tenantId, { id: context.req.param('id'), body })))
  app.delete(`${path}/:id`, (context) => requests.answer(context, { table, operation: 'DELETE' },
    (session, { tenantId }) => resource.remove(session, tenantId, context.req.param('id'))))
}

type Body = Readonly<Record<string, unknown>>
type Work = (session: StrategySession, caller: Caller, body: Body) => Promise<object>

interface Running extends Asked {
  readonly body: Body
  readonly work: Work
}

class Requests {
  readonly #options: ServiceOptions

  constructor(options: ServiceOptions) {
    this.#options = options
  }

  /** Authenticates, runs the work in the tenant's context, and leaves a line in the trail either way. */
  async answer(context: Context, asked: Omit<Asked, 'caller'>, work: Work): Promise<Response> {
    const caller = await this.#options.verifier.callerOf(context.req.header('authorization'))
    const body = await bodyOf(context)
    const whole: Asked = { ...asked, caller }
    await this.#refusing(context, whole, async () => {
      if (this.#options.configuration.tenantIsolationStrict) refuseOtherTenants(context, caller, body)
    })
    const answer = await this.#inside(context, { ...whole, body, work })
    return context.json(answer, asked.operation === 'INSERT' ? 201 : 200, { 'cache-control': 'no-store' })
  }

  async report(context: Context): Promise<Response> {
    const caller = await this.#options.verifier.callerOf(context.req.header('authorization'))
    const name = context.req.param('name') ?? ''
    const asked: Asked = { caller, table: name, operation: 'REPORT' }
    const rows = await this.#refusing(context, asked, () => {
      if (caller.scopes.has('reporting') && this.#options.report !== undefined) return this.#options.report(name)
      throw new WatertightError('WATERTIGHT_SCOPE', 'Reports over tenants need the scope reporting', { hint: '' })
    })
    await this.#inside(context, { ...asked, body: {}, work: () => Promise.resolve({}) })
    return context.json({ report: name, rows }, 200, { 'cache-control': 'no-store' })
  }

  #inside(context: Context, { body, work, ...asked }: Running): Promise<object> {
    const { isp, configuration } = this.#options
    const request = { ...this.#accessOf(context, asked), enabled: configuration.auditTenantAccess }
    return withAuditedTenant(isp(asked.caller.tenantId), request, (session) => work(session, asked.caller, body))
  }

  /** What is refused before the database is asked is in the trail too; what it refuses withAuditedTenant records. */
  async #refusing<T>(context: Context, asked: Asked, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const isRefusal = error instanceof WatertightError
        && ['WATERTIGHT_TENANT_MISMATCH', 'WATERTIGHT_SCOPE'].includes(error.code)
      const { isp, configuration } = this.#options
      if (isRefusal) {
        const entry = { ...this.#accessOf(context, asked), success: false }
        await recordAccess(isp(asked.caller.tenantId), entry, { enabled: configuration.auditTenantAccess })
      }
      throw error
    }
  }

  /** Texts of the caller are cut to the columns. */
  #accessOf(context: Context, { caller, table, operation }: Asked): Omit<AuditEntry, 'success'> {
    let clientIp: string | undefined
    try {
      clientIp = getConnInfo(context).remote.address
    } catch {
      // Called without a socket, as app.request() does.
    }
    const userAgent = context.req.header('user-agent')
    const kept = (text: string) => [...text.toWellFormed().replaceAll('\0', '')].slice(0, 255).join('')
    const { tenancy = 'row-level-security' } = this.#options
    return {
      tenant: { id: caller.tenantId, tenancy }, userId: kept(caller.userId), tableName: kept(table), operation,
      ...(clientIp === undefined ? {} : { clientIp }),
      ...(userAgent === undefined ? {} : { userAgent: kept(userAgent) }),
    }
  }
}

async function bodyOf(context: Context): Promise<Body> {
  if (!['POST', 'PATCH'].includes(context.req.method)) return {}
  const body: unknown = await context.req.json().catch(() => { throw badRequest('The body is not JSON') })
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('The body is no JSON object')
  return body as Body
}
