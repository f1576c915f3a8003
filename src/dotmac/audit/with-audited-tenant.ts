/** withTenant that leaves a line in the audit trail: for what was done, and for what was refused. */

import { sqlstateOf, WatertightError } from '../../errors.ts'
import type { StrategyPool, StrategySession } from '../../model/context-strategy.ts'
import { isRefusal } from '../../postgres/session/sqlstate.ts'
import { withKnownTenant } from './known-tenant.ts'
import {
  assertEntry,
  assertText,
  fitted,
  insertEntry,
  recordRefusals,
  type AuditEntry,
  type AuditOptions,
} from './record-access.ts'

export interface AuditedRequest extends Omit<AuditEntry, 'success'>, AuditOptions {
  /** Tenant that the request names (path, body); when it is not the acting one nothing runs. */
  readonly requestedTenantId?: string
  /** Rows that the request names (an id of a path, references of a body); kept with a refusal, which they explain. */
  readonly aim?: string
}

/**
 * Runs the work as the acting tenant. What is recorded, and how:
 * - success: a row in the work's own transaction, so it is there exactly when the work is;
 * - a request that names another tenant: refused before any statement, recorded as `CROSS TENANT`;
 * - a statement that PostgreSQL refuses: no right or no such object (42501, 42P01, 3F000), a reference to a row that is
 *   not there for this tenant (23503), another tenant's id in a tenant's own schema (its check constraint). It is seen
 *   where the work asks it, so it is recorded too when the work catches the error, throws another one instead, or goes
 *   on behind a savepoint;
 * - a row that is not there for this tenant: row security filters another tenant's row and raises nothing, so the
 *   work says so itself by throwing WATERTIGHT_NOT_FOUND, as the HTTP service does for every id that it does not find.
 * A refusal is written in a SEPARATE transaction, after the work's own, on another connection if the first has died.
 * What cannot be seen: whether a row that was not found is another tenant's or nobody's. The application cannot know,
 * and its trail must not tell; the line keeps the id, and who sees all rows can look it up. Nor are foreign rows seen
 * that a condition of a list, UPDATE or DELETE names beside others, errors that a function or a DO block catches on the
 * server, nor work outside of this function (its writes are in the trail by the triggers, its refusals are not). An
 * outage is no refusal: nothing of it is recorded.
 * A refusal belongs to the acting tenant; what it aimed at stands in it as quoted text that the acting tenant itself
 * sent, so it says nothing about whether that exists, and only the acting tenant and dotmac_admin read it.
 * If a refusal cannot be written, an AggregateError carries that error beside the work's: it is never lost silently.
 * @throws WatertightError WATERTIGHT_FOREIGN_TENANT, WATERTIGHT_AUDIT_ENTRY, WATERTIGHT_NO_TENANT; and what the work
 *   throws, after ROLLBACK.
 */
export async function withAuditedTenant<T>(
  pool: Pick<StrategyPool, 'connect'>,
  request: AuditedRequest,
  work: (session: StrategySession) => Promise<T>,
): Promise<T> {
  assertEntry(request)
  assertText('requested tenant', request.requestedTenantId)
  assertText('aim', request.aim)
  const { tenant, enabled = true, requestedTenantId, aim, tableName } = request
  if (requestedTenantId !== undefined && requestedTenantId !== tenant.id) {
    const error = foreign(tenant.id, requestedTenantId)
    const aimed = aimedAt(tableName, 'of', requestedTenantId)
    await recordRefusals(
      pool,
      { ...request, operation: 'CROSS TENANT', tableName: aimed },
      { thrown: [error] },
    )
    throw error
  }
  const refusals: unknown[] = []
  const asked = withKnownTenant(pool, tenant, async (session) => {
    // Not waited for: it travels with the first statement of the work. If it fails, so does the transaction.
    void session.query(
      `SELECT set_config('app.current_user_id', $1, true),
      set_config('app.client_ip', $2, true), set_config('app.user_agent', $3, true)`,
      [request.userId, request.clientIp ?? '', request.userAgent ?? ''],
    )
    const value = await work(watched(session, refusals))
    if (enabled) await insertEntry(session, { ...request, success: true }).catch(unlessFailed)
    return value
  })
  const [outcome] = await Promise.allSettled([asked])
  const thrown = outcome.status === 'rejected' ? [outcome.reason as unknown] : []
  refusals.push(...thrown.filter((error) => isRefused(error) && !refusals.includes(error)))
  const refused = {
    ...request,
    tableName: aim === undefined ? tableName : aimedAt(tableName, 'row', aim),
  }
  await recordRefusals(pool, refused, { count: refusals.length, thrown })
  return asked
}

/** The session as the work has it; what is refused is kept, whatever the work makes of it. */
function watched(session: StrategySession, refusals: unknown[]): StrategySession {
  return {
    query: (sql, values) => {
      const asked = values === undefined ? session.query(sql) : session.query(sql, values)
      asked.catch((error: unknown) => {
        if (isRefused(error)) refusals.push(error)
      })
      return asked
    },
  }
}

/** In a failed transaction the line is refused (25P02), and the end of the transaction says what is wrong. */
function unlessFailed(error: unknown): void {
  if (sqlstateOf(error) !== '25P02') throw error
}

function isRefused(error: unknown): boolean {
  if (error instanceof WatertightError) return error.code === 'WATERTIGHT_NOT_FOUND'
  const sqlstate = sqlstateOf(error)
  const { constraint } = error as { readonly constraint?: unknown }
  return (
    isRefusal(sqlstate, '') ||
    sqlstate === '23503' ||
    (sqlstate === '23514' && typeof constraint === 'string' && constraint.endsWith('_only_tenant'))
  )
}

/** Quoted, so that no control character gets through, and cut to the column. */
export function aimedAt(table: string, relation: 'of' | 'row', aim: string): string {
  return fitted(`${table} ${relation} ${JSON.stringify(aim.toWellFormed())}`)
}

function foreign(acting: string, requested: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_FOREIGN_TENANT',
    `The tenant ${JSON.stringify(acting)} asked in the name of ${JSON.stringify(requested.slice(0, 80))}`,
    {
      hint: 'Take the tenant from the token only; the attempt is in the audit trail of the acting tenant',
    },
  )
}
