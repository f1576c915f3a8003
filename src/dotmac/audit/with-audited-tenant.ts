/** withTenant that leaves a line in the audit trail: for what was done, and for what was refused. */

import { sqlstateOf, WatertightError } from '../../errors.ts'
import type { StrategyPool, StrategySession } from '../../model/context-strategy.ts'
import { withTenant } from '../with-tenant.ts'
import { assertEntry, insertEntry, recordAccess, type AuditEntry, type AuditOptions } from './record-access.ts'

export interface AuditedRequest extends Omit<AuditEntry, 'success'>, AuditOptions {
  /** Tenant that the request names (path, body); when it is not the acting one nothing runs. */
  readonly requestedTenantId?: string
}

/**
 * Runs the work as the acting tenant. What is recorded, and how:
 * - success: a row in the work's own transaction, so it is there exactly when the work is;
 * - a request that names another tenant: refused before any statement, recorded as `CROSS TENANT`;
 * - a statement that PostgreSQL refuses with 42501 (INSERT or UPDATE that violates a policy, missing privilege):
 *   the transaction is rolled back, then the refusal is written in a SEPARATE transaction.
 * What cannot be seen: SELECT, UPDATE or DELETE whose WHERE names a foreign row touch nothing and raise nothing; they
 * leave the same trace as a row that does not exist. https://www.postgresql.org/docs/current/ddl-rowsecurity.html
 * A refusal belongs to the acting tenant; the attempted one stands in it as quoted text that the acting tenant itself
 * sent, so it says nothing about whether that tenant exists, and only the acting tenant and dotmac_admin read it.
 * If the refusal cannot be written, an AggregateError carries both errors: a refusal is never lost silently.
 * @throws WatertightError WATERTIGHT_FOREIGN_TENANT, WATERTIGHT_AUDIT_ENTRY; and what the work throws, after ROLLBACK.
 */
export async function withAuditedTenant<T>(
  pool: Pick<StrategyPool, 'connect'>, request: AuditedRequest, work: (session: StrategySession) => Promise<T>,
): Promise<T> {
  assertEntry(request)
  const { tenant, enabled = true, requestedTenantId } = request
  if (requestedTenantId !== undefined && requestedTenantId !== tenant.id) {
    const error = foreign(tenant.id, requestedTenantId)
    return refused(pool, { ...request, operation: 'CROSS TENANT', tableName: aimedAt(request) }, error)
  }
  try {
    return await withTenant(pool, tenant, async (session) => {
      // Not waited for: it travels with the first statement of the work. If it fails, so does the transaction.
      void session.query(`SELECT set_config('app.current_user_id', $1, true),
        set_config('app.client_ip', $2, true), set_config('app.user_agent', $3, true)`,
      [request.userId, request.clientIp ?? '', request.userAgent ?? ''])
      const value = await work(session)
      if (enabled) await insertEntry(session, { ...request, success: true })
      return value
    })
  } catch (error) {
    if (sqlstateOf(error) !== '42501') throw error
    return refused(pool, request, error)
  }
}

async function refused(pool: Pick<StrategyPool, 'connect'>, request: AuditedRequest, error: unknown): Promise<never> {
  try {
    await recordAccess(pool, { ...request, success: false }, request)
  } catch (failure) {
    throw new AggregateError([error, failure], 'A refusal could not be written to the audit trail')
  }
  throw error
}

/** Quoted, so that no control character gets through, and cut to the column. */
function aimedAt(request: AuditedRequest): string {
  const quoted = JSON.stringify((request.requestedTenantId ?? '').toWellFormed())
  return [...`${request.tableName} of ${quoted}`].slice(0, 255).join('')
}

function foreign(acting: string, requested: string): WatertightError {
  return new WatertightError('WATERTIGHT_FOREIGN_TENANT',
    `The tenant ${JSON.stringify(acting)} asked in the name of ${JSON.stringify(requested.slice(0, 80))}`,
    { hint: 'Take the tenant from the token only; the attempt is in the audit trail of the acting tenant' })
}
