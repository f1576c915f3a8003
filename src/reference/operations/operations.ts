/** What the operator does to the platform, as a value: the reference's own, or with parts that a mutant replaces. */

import { backupFull } from '../../dotmac/backup/backup-full.ts'
import { backupTenant } from '../../dotmac/backup/backup-tenant.ts'
import { restoreFull } from '../../dotmac/backup/restore-full.ts'
import { restoreTenant } from '../../dotmac/backup/restore-tenant.ts'
import { readConfiguration } from '../../dotmac/configuration.ts'
import { validateTenantIsolationHealth } from '../../dotmac/health/tenant-isolation-health.ts'
import { runGuarded } from '../../dotmac/migrations/run-guards.ts'
import type { Row } from '../../model/observation.ts'
import type { Service } from '../../model/tenancy.ts'

export interface Operations {
  /** One migration and its guards, in the caller's transaction. */
  readonly migrate: typeof runGuarded
  readonly backupTenant: typeof backupTenant
  readonly restoreTenant: typeof restoreTenant
  readonly backupFull: typeof backupFull
  readonly restoreFull: typeof restoreFull
  readonly health: typeof validateTenantIsolationHealth
  readonly readConfiguration: typeof readConfiguration
}

export const referenceOperations: Operations = {
  migrate: runGuarded,
  backupTenant,
  restoreTenant,
  backupFull,
  restoreFull,
  health: validateTenantIsolationHealth,
  readConfiguration,
}

/** What a careless operator has beside them. */
export interface OperationsParts {
  /** Runs SQL where no policy binds, in the copy of a database. */
  asSuperuser(service: Service, sql: string): Promise<readonly Row[]>
}

/** What it gives replaces the reference's own. */
export type OperationsBuild = (reference: Operations, parts: OperationsParts) => Partial<Operations>
