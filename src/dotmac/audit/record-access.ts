/** One line of the audit trail, written by the application in the acting tenant's own context. */

import { isIP } from 'node:net'
import { WatertightError } from '../../errors.ts'
import type { StrategyPool, StrategySession } from '../../model/context-strategy.ts'
import { apartFromWork, tenantIdOf, type TenantReference } from '../with-tenant.ts'
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
 * Writes the entry in a transaction of its own, so that it outlives the rollback of what it tells of; within the work
 * of withTenant on the same pool that is when the work has ended.
 * Row security lets the acting tenant add rows of its own only: an entry in another's name is refused (42501).
 * Returns false when nothing was written because auditing is off.
 * The trail is append-only, but what the application appends is the application's word: in a tenant's context it can
 * add any line of that tenant, of any time. It cannot change one, take one away, or add another tenant's.
 * @throws WatertightError WATERTIGHT_AUDIT_ENTRY for a value that the table cannot hold, WATERTIGHT_NO_TENANT.
 */
export async function recordAccess(
  pool: Pick<StrategyPool, 'connect'>,
  entry: AuditEntry,
  { enabled = true }: AuditOptions = {},
): Promise<boolean> {
  if (!enabled) return false
  assertEntry(entry)
  await apartFromWork(pool, () => written(pool, entry, 1))
  return true
}

export interface Refused {
  /** Refusals that the work met, a line for each; default 1. */
  readonly count?: number
  /** What the work threw; nothing when it was committed. */
  readonly thrown: readonly unknown[]
}

/**
 * Writes that something was refused. Within the work of withTenant on the same pool the lines are written when that
 * work has ended. @throws AggregateError of what was thrown and why the lines could not be written: here, or from the
 *   withTenant around it.
 */
export async function recordRefusals(
  pool: Pick<StrategyPool, 'connect'>,
  request: Omit<AuditEntry, 'success'> & AuditOptions,
  { count = 1, thrown }: Refused,
): Promise<void> {
  const { enabled = true } = request
  if (!enabled || count === 0) return
  try {
    await apartFromWork(pool, () => written(pool, { ...request, success: false }, count))
  } catch (failure) {
    // Nothing of a tenant who is not there can be written.
    if (failure instanceof WatertightError && failure.code === 'WATERTIGHT_NO_TENANT') throw failure
    throw new AggregateError(
      [...thrown, failure],
      'A refusal could not be written to the audit trail',
    )
  }
}

function written(
  pool: Pick<StrategyPool, 'connect'>,
  entry: AuditEntry,
  count: number,
): Promise<void> {
  return withKnownTenant(pool, entry.tenant, (session) => insertEntry(session, entry, count))
}

/** The row alone, as often as it is to be there, inside of a transaction that is already in the tenant's context. */
export async function insertEntry(
  session: StrategySession,
  entry: AuditEntry,
  count = 1,
): Promise<void> {
  await session.query(
    `INSERT INTO audit_tenant_access (tenant_id, user_id, table_name, operation, success, client_ip, user_agent)
     SELECT $1, $2, $3, $4, $5, coalesce($6::inet, inet_client_addr()), $7 FROM generate_series(1, $8)`,
    [
      entry.tenant.id,
      entry.userId,
      entry.tableName,
      entry.operation,
      entry.success,
      entry.clientIp ?? null,
      entry.userAgent ?? null,
      count,
    ],
  )
}

/** A caller's text as the trail can hold it: what the columns refuse is cut or left out, and nothing becomes empty. */
export function fitted(text: string): string {
  const kept = [...text.toWellFormed().replaceAll('\0', '')].slice(0, 255).join('')
  return kept === '' ? '?' : kept
}

/**
 * Refused before anything reaches the server; callers without types hand over anything. Bounds are the seed's columns:
 * 255, 255 and 50 characters.
 */
export function assertEntry(entry: Omit<AuditEntry, 'success'>): void {
  const given = { ...(entry as object) } as Readonly<Record<string, unknown>>
  const { clientIp, userAgent = '' } = given
  tenantIdOf(given['tenant'])
  const bounds = [
    ['user', 'userId', 255],
    ['table', 'tableName', 255],
    ['operation', 'operation', 50],
  ] as const
  for (const [name, key, most] of bounds) {
    const value = given[key]
    if (typeof value !== 'string') throw unstorable(`the ${name} is no text`)
    const size = [...value].length
    if (size === 0 || size > most)
      throw unstorable(`the ${name} has ${size} characters, allowed are 1 to ${most}`)
    if (!isText(value)) throw unstorable(`the ${name} is no valid Unicode without NUL`)
  }
  if (!isText(userAgent)) throw unstorable('the user agent is no valid Unicode without NUL')
  if (clientIp !== undefined && (typeof clientIp !== 'string' || isIP(clientIp) === 0)) {
    throw unstorable(
      `${typeof clientIp === 'string' ? JSON.stringify(clientIp.slice(0, 60)) : 'the client'} ` +
        'is no IP address',
    )
  }
}

/** What may be left out, and is a text where it is given. */
export function assertText(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') throw unstorable(`the ${name} is no text`)
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && !value.includes('\0') && value.isWellFormed()
}

function unstorable(what: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_AUDIT_ENTRY',
    `The audit entry cannot be stored: ${what}`,
    {
      hint: 'Give a user, a table and an operation of at most 255, 255 and 50 characters, and an IP address',
    },
  )
}
