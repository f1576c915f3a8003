/** One line of the audit trail, written by the application in the acting tenant's own context. */

import { isIP } from 'node:net'
import { WatertightError } from '../../errors.ts'
import type { StrategyPool, StrategySession } from '../../model/context-strategy.ts'
import type { TenantReference } from '../with-tenant.ts'
import { withKnownTenant } from './known-tenant.ts'

export interface AuditEntry {
  /** Who acted; the row belongs to this tenant, whoever the attempt was aimed at. */
  readonly tenant: TenantReference
  readonly userId: string
  readonly tableName: string
  readonly operation: string
  readonly success: boolean
  readonly clientIp?: string
  readonly userAgent?: string
}

export interface AuditOptions {
  /** AUDIT_TENANT_ACCESS. Default true; false writes nothing. */
  readonly enabled?: boolean
}

/**
 * Writes the entry in a transaction of its own, so that it outlives the rollback of what it tells of.
 * Row security lets the acting tenant add rows of its own only: an entry in another's name is refused (42501).
 * Returns false when nothing was written because auditing is off.
 * The trail is append-only, but what the application appends is the application's word: in a tenant's context it can
 * add any line of that tenant, of any time. It cannot change one, take one away, or add another tenant's.
 * @throws WatertightError WATERTIGHT_AUDIT_ENTRY for a value that the table cannot hold, WATERTIGHT_NO_TENANT.
 */
export async function recordAccess(
  pool: Pick<StrategyPool, 'connect'>, entry: AuditEntry, { enabled = true }: AuditOptions = {},
): Promise<boolean> {
  if (!enabled) return false
  assertEntry(entry)
  await withKnownTenant(pool, entry.tenant, (session) => insertEntry(session, entry))
  return true
}

/** Writes that it was refused and throws the error again; an AggregateError with both if it could not be written. */
export async function recordRefusal(
  pool: Pick<StrategyPool, 'connect'>, request: Omit<AuditEntry, 'success'> & AuditOptions, error: unknown,
): Promise<never> {
  try {
    await recordAccess(pool, { ...request, success: false }, request)
  } catch (failure) {
    // Nothing of a tenant who is not there can be written.
    if (failure instanceof WatertightError && failure.code === 'WATERTIGHT_NO_TENANT') throw failure
    throw new AggregateError([error, failure], 'A refusal could not be written to the audit trail')
  }
  throw error
}

/** The row alone, inside of a transaction that is already in the tenant's context. */
export async function insertEntry(session: StrategySession, entry: AuditEntry): Promise<void> {
  await session.query(
    `INSERT INTO audit_tenant_access (tenant_id, user_id, table_name, operation, success, client_ip, user_agent)
     VALUES ($1, $2, $3, $4, $5, coalesce($6::inet, inet_client_addr()), $7)`,
    [entry.tenant.id, entry.userId, entry.tableName, entry.operation, entry.success,
      entry.clientIp ?? null, entry.userAgent ?? null])
}

/** A caller's text as the trail can hold it: what the columns refuse is cut or left out, and nothing becomes empty. */
export function fitted(text: string): string {
  const kept = [...text.toWellFormed().replaceAll('\0', '')].slice(0, 255).join('')
  return kept === '' ? '?' : kept
}

/** Refused before anything reaches the server. Bounds are the seed's columns: 255, 255 and 50 characters. */
export function assertEntry(entry: Omit<AuditEntry, 'tenant' | 'success'>): void {
  const refuse = (what: string) => {
    throw new WatertightError('WATERTIGHT_AUDIT_ENTRY', `The audit entry cannot be stored: ${what}`, {
      hint: 'Give a user, a table and an operation of at most 255, 255 and 50 characters, and an IP address',
    })
  }
  const bounds = [
    ['user', entry.userId, 255], ['table', entry.tableName, 255], ['operation', entry.operation, 50],
  ] as const
  for (const [name, value, most] of bounds) {
    const size = [...value].length
    if (size === 0 || size > most) refuse(`the ${name} has ${size} characters, allowed are 1 to ${most}`)
  }
  const texts = [entry.userId, entry.tableName, entry.operation, entry.userAgent ?? '']
  const isBad = (text: string) => text.includes('\0') || !text.isWellFormed()
  if (texts.some(isBad)) refuse('a text is no valid Unicode without NUL')
  if (entry.clientIp !== undefined && isIP(entry.clientIp) === 0) {
    refuse(`${JSON.stringify(entry.clientIp.slice(0, 60))} is no IP address`)
  }
}
