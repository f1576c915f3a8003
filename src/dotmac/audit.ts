/** The audit trail of the session layer: what triggers cannot see, because it was refused or only read. */

import type { StrategyPool, StrategySession } from '../model/context-strategy.ts'
import { withTenant, type TenantLike } from './with-tenant.ts'

export interface Access {
  readonly userId: string
  readonly table: string
  /** SELECT, INSERT, UPDATE, DELETE, REPORT, or REFUSED with what was tried. At most 50 characters are kept. */
  readonly operation: string
  readonly success: boolean
  /** Null when it is not known. */
  readonly clientIp: string | null
  readonly userAgent: string | null
}

const insert = `INSERT INTO audit_tenant_access
  (tenant_id, user_id, table_name, operation, success, client_ip, user_agent)
  VALUES (current_setting('app.current_tenant_id'), $1, $2, $3, $4, $5::inet, $6)`

/** Adds a line to the trail of the acting tenant, in the transaction of its work: it stays if the work does. */
export async function auditInside(session: StrategySession, access: Access): Promise<void> {
  await session.query(insert, valuesOf(access))
}

/**
 * Adds a line in a transaction of its own: a refusal must stay when the work is rolled back. It is a line of the
 * tenant who acted, never of the one it aimed at, so that the trail tells nobody about others.
 * What leaves no line: a statement whose WHERE names a foreign row finds nothing, and the server cannot tell that from
 * a row that is not there; only requests that name another tenant, and writes that a policy refuses (42501), are seen.
 */
export async function auditRefusal(
  pool: Pick<StrategyPool, 'connect'>, tenant: TenantLike, access: Access,
): Promise<void> {
  await withTenant(pool, tenant, (session) => auditInside(session, { ...access, success: false }))
}

function valuesOf({ userId, table, operation, success, clientIp, userAgent }: Access): readonly unknown[] {
  const kept = (text: string, most: number) => text.slice(0, most).toWellFormed().replaceAll('\0', '')
  return [
    kept(userId, 255), kept(table, 255), kept(operation, 50), success, clientIp,
    userAgent === null ? null : kept(userAgent, 1_000),
  ]
}
