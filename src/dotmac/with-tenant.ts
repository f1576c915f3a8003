/** withTenant: the TenantAwareSession and with_tenant_context of the seed, for any pool of the driver. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { WatertightError } from '../errors.ts'
import type { StrategyPool, StrategySession } from '../model/context-strategy.ts'
import { tenancies, type TenancyName } from '../model/tenancy.ts'
import { tenantNames } from './tenant-names.ts'
import { bindSchema, bindSetting } from './tenant-session.ts'
import { inTenantTransaction } from './tenant-transaction.ts'

/** A tenant's id, or more where its rows are in a schema of its own. */
export type TenantLike = string | TenantReference

export interface TenantReference {
  readonly id: string
  /** Default row-level-security. */
  readonly tenancy?: TenancyName
  /** Schema and role as the tenants table maps them; default those that follow from the id. */
  readonly mapped?: { readonly schema: string; readonly role: string }
}

interface Running {
  readonly tenantId: string
  readonly pool: object
  /** How the tenant was bound. */
  readonly enter: string
  readonly session: StrategySession
  /** What runs when the transaction has ended, one way or the other. */
  readonly afterwards: (() => Promise<unknown>)[]
  /** The work in which this one runs, on another pool. */
  readonly outer: Running | undefined
  isOver: boolean
}

const running = new AsyncLocalStorage<Running | undefined>()

/**
 * Runs the work in one transaction in the tenant's context. The id is checked before anything reaches the server.
 * Inside of it, withTenant of the same tenant on the same pool goes on in the same transaction; of another tenant it
 * is refused, because whoever does that has mixed up two requests.
 * Works behind pgbouncer in transaction mode. Costs one round trip over the work's statements, over a plain pool of
 * the driver too: the client pipelines while it is on loan here (native and old ones cannot, and cost two).
 * @throws WatertightError WATERTIGHT_TENANT_NAME, WATERTIGHT_TENANCY, WATERTIGHT_TENANT_WORK for what is no pool or
 *   no function, WATERTIGHT_NESTED_TENANT, and those of inTenantTransaction; and what the work throws, after ROLLBACK.
 *   An AggregateError when refusals within the work could not be written to the audit trail after it.
 */
export async function withTenant<T>(
  pool: Pick<StrategyPool, 'connect'>,
  tenant: TenantLike,
  work: (session: StrategySession) => Promise<T>,
): Promise<T> {
  const { tenantId, enter } = bindingOf(tenant)
  requireWork(pool, work)
  const outer = running.getStore()
  if (outer?.isOver === false) {
    if (outer.tenantId !== tenantId) throw nested(outer.tenantId, tenantId)
    if (outer.pool === pool && outer.enter === enter) return work(outer.session)
  }
  const afterwards: (() => Promise<unknown>)[] = []
  const asked = inTenantTransaction(pool, {
    tenantId,
    enter,
    work: (session) =>
      bound({ tenantId, pool, enter, session, afterwards, outer, isOver: false }, work),
  })
  const [outcome] = await Promise.allSettled([asked])
  const failures: unknown[] = []
  for (const task of afterwards)
    await running.run(undefined, task).catch((failure: unknown) => failures.push(failure))
  if (failures.length > 0) {
    throw new AggregateError(
      [...(outcome.status === 'rejected' ? [outcome.reason as unknown] : []), ...failures],
      `What was to be done after the work of tenant ${JSON.stringify(tenantId)} failed`,
    )
  }
  return asked
}

/**
 * Runs a transaction of its own, which a rollback of the work around it does not undo: at once, or, where that work
 * holds a connection of the same pool, when it has ended (a pool whose last connection it is would wait for itself).
 * What fails then is thrown by the work's own withTenant, beside the error of the work.
 * @returns whether it has run already.
 */
export async function apartFromWork(pool: object, task: () => Promise<unknown>): Promise<boolean> {
  for (let around = running.getStore(); around !== undefined; around = around.outer) {
    if (around.isOver || around.pool !== pool) continue
    around.afterwards.push(task)
    return false
  }
  await running.run(undefined, task)
  return true
}

function requireWork(pool: unknown, work: unknown): void {
  const { connect } = (pool ?? {}) as { readonly connect?: unknown }
  if (typeof connect === 'function' && typeof work === 'function') return
  throw new WatertightError(
    'WATERTIGHT_TENANT_WORK',
    typeof work === 'function'
      ? 'There is no pool to take a connection from'
      : 'The work of a tenant is no function',
    { hint: 'withTenant(pool, tenantId, async (session) => …)' },
  )
}

/** Callers without types hand over anything; what is no tenant must not get as far as the server. */
function bindingOf(tenant: TenantLike): { readonly tenantId: string; readonly enter: string } {
  const reference =
    typeof tenant === 'string' ? { id: tenant } : (tenant as Partial<TenantReference> | null)
  const { tenancy = 'row-level-security', mapped } = reference ?? {}
  const id = tenantIdOf(reference)
  if (!tenancies.includes(tenancy)) {
    throw new WatertightError(
      'WATERTIGHT_TENANCY',
      `There is no tenancy ${JSON.stringify(tenancy)}`,
      { hint: `Name one of ${tenancies.join(', ')}` },
    )
  }
  const bind = tenancy === 'schema-per-tenant' ? bindSchema : bindSetting
  const names = mapped === undefined ? tenantNames(id) : namesIn(mapped)
  return { tenantId: id, enter: bind({ id, ...names }, 'transaction') }
}

/** @throws WatertightError WATERTIGHT_TENANT_NAME for what names no tenant. */
export function tenantIdOf(reference: unknown): string {
  const { id } = (typeof reference === 'object' ? (reference ?? {}) : {}) as {
    readonly id?: unknown
  }
  tenantNames(id as string)
  return id as string
}

function namesIn(mapped: unknown): { readonly schema: string; readonly role: string } {
  const { schema, role } = { ...(mapped as object) } as Readonly<Record<string, unknown>>
  const isName = (name: unknown): name is string =>
    typeof name === 'string' && name !== '' && !name.includes('\0')
  if (isName(schema) && isName(role)) return { schema, role }
  throw new WatertightError('WATERTIGHT_TENANT_NAME', 'A mapping is no schema and role', {
    hint: 'Give both as the tenants table has them, or leave it out',
  })
}

/** The seed's decorator: a function whose first argument names the tenant, run in that tenant's context. */
export function withTenantContext<Arguments extends readonly unknown[], T>(
  pool: Pick<StrategyPool, 'connect'>,
  run: (session: StrategySession, ...given: Arguments) => Promise<T>,
): (tenant: TenantLike, ...given: Arguments) => Promise<T> {
  return (tenant, ...given) => withTenant(pool, tenant, (session) => run(session, ...given))
}

/** The tenant whose work is running here; null outside of withTenant. */
export function currentTenant(): string | null {
  const inner = running.getStore()
  return inner?.isOver === false ? inner.tenantId : null
}

/** What goes on after the end, as a timer would, is outside again. */
async function bound<T>(
  inner: Running,
  work: (session: StrategySession) => Promise<T>,
): Promise<T> {
  try {
    return await running.run(inner, () => work(inner.session))
  } finally {
    inner.isOver = true
  }
}

function nested(outer: string, inner: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_NESTED_TENANT',
    `Tenant ${JSON.stringify(inner)} is asked for inside the work of tenant ${JSON.stringify(outer)}`,
    { hint: 'End the one before the other begins; reports over tenants have a role of their own' },
  )
}
