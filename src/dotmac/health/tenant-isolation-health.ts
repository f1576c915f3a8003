/** validateTenantIsolationHealth: the seed's four health checks together. */

import { validateTenantContextLeaks } from './context-leaks.ts'
import { validateCrossTenantQueries } from './cross-tenant-queries.ts'
import type { HealthCheck, HealthSubject } from './health-check.ts'
import { validateRlsPolicies } from './rls-policies.ts'
import { validateTenantIndexes } from './tenant-indexes.ts'

export interface IsolationHealth {
  readonly ok: boolean
  readonly checks: readonly HealthCheck[]
}

/** One after the other; ok only when every one of them is. @throws the driver's error when the server is lost. */
export async function validateTenantIsolationHealth(
  subject: HealthSubject,
): Promise<IsolationHealth> {
  const checks = [
    await validateRlsPolicies(subject),
    await validateTenantIndexes(subject),
    await validateCrossTenantQueries(subject),
    await validateTenantContextLeaks(subject),
  ]
  return { ok: checks.every((check) => check.ok), checks }
}
