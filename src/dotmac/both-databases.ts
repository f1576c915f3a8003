/** One change of both databases: in both or in neither, as far as two COMMITs can promise it. */

import { messageOf, WatertightError } from '../errors.ts'
import { services, type Service } from '../model/tenancy.ts'
import type { Session } from '../postgres/session/session.ts'

export interface ChangeOfBoth {
  /** What is not done when it fails, for the error: `Tenant "acme" is not dropped`. */
  readonly failure: string
  /** Statements in both databases; no COMMIT comes before the last of them. */
  readonly change: () => Promise<void>
  /** What the management database can do only when the ISP database has committed. */
  readonly finish?: () => Promise<void>
}

/**
 * Both transactions are open until everything is done, so whatever fails or cannot be locked leaves both databases as
 * they were. Management, whose tenants table says what there is, commits last: if the server dies between the two
 * COMMITs, the tenant is still listed and the same call ends the work.
 * @throws WatertightError WATERTIGHT_TENANT_UNCHANGED, WATERTIGHT_TENANT_HALF_CHANGED (between the two COMMITs); an
 *   error that has a code of its own is passed on. No transaction stays open.
 */
export async function changeBoth(
  sessions: Readonly<Record<Service, Session>>,
  { failure, change, finish }: ChangeOfBoth,
): Promise<void> {
  let isHalf = false
  try {
    for (const service of services) await sessions[service].query('BEGIN')
    await change()
    // Whether a COMMIT that got no answer was done, nobody knows.
    isHalf = true
    await sessions.isp.query('COMMIT')
    await finish?.()
    await sessions.management.query('COMMIT')
  } catch (error) {
    for (const service of services) await sessions[service].query('ROLLBACK').catch(() => undefined)
    throw isHalf ? halfChanged(`${failure}, or in part only`, error) : unchanged(failure, error)
  }
}

/** An error that has a code of its own says already what is to be done. */
export function unchanged(failure: string, error: unknown): WatertightError {
  return error instanceof WatertightError
    ? error
    : new WatertightError('WATERTIGHT_TENANT_UNCHANGED', `${failure}: ${messageOf(error)}`, {
        hint:
          "Both databases are as they were; end what stands in the way (the tenant's open transactions hold its " +
          'tables) and call it again',
        cause: error,
      })
}

export function halfChanged(failure: string, error: unknown): WatertightError {
  return new WatertightError('WATERTIGHT_TENANT_HALF_CHANGED', `${failure}: ${messageOf(error)}`, {
    hint: 'The tenants table still lists the tenant: make the connections again and call it again, or drop the tenant',
    cause: error,
  })
}
