/** The reference platform as a Node application uses it: sessions, pools, access, migrations, guards, health. */

export { readConfiguration, type Configuration, type PoolConfiguration } from './configuration.ts'
export {
  currentTenant,
  withTenant,
  withTenantContext,
  type TenantReference,
} from './with-tenant.ts'
export { tenantScopeQuery, type TenantScope } from './tenant-scope-query.ts'
export { TenantPools, type PoolUse } from './tenant-pools.ts'
export { tenantNames, type TenantNames } from './tenant-names.ts'
export { SchemaPerTenantManager } from './tenant-schemas.ts'
export { ispModel, managementModel, plainModel, type TableOptions } from './models/define.ts'
export {
  columnsOf,
  type ColumnModel,
  type ReferenceModel,
  type TableModel,
} from './models/model.ts'
export { indexesOf, type IndexModel } from './models/names.ts'
export { migrationSql } from './models/migration.ts'
export { tablesOf } from './models/index.ts'
export type { RowOf, TableName } from './models/row.ts'
export { migrate, type MigrateOptions, type Migrated } from './migrations/migrate.ts'
export { driftOf, tenantVersions } from './migrations/drift.ts'
export { expectedShape } from './migrations/expected-shape.ts'
export { ensureTenantColumn } from './guards/ensure-tenant-column.ts'
export { ensureTenantIndexes } from './guards/ensure-tenant-indexes.ts'
export { validateTenantIsolation } from './guards/validate-tenant-isolation.ts'
export { tokenVerifier, type Caller, type TokenVerifier } from './access/tokens.ts'
export { createService } from './service/service.ts'
export type { ServiceOptions } from './service/requests.ts'
export { serviceHealth, type ServiceHealth } from './service/service-health.ts'
export { tenantMapping, type TenantMapping } from './service/tenant-mapping.ts'
export { serveService } from './service/serve.ts'
export { reporter, reportNames, type Report, type ReportCaller } from './reporting.ts'
export { onOneServer, type BackupPlatform } from './backup/backup-platform.ts'
export { backupTenant } from './backup/backup-tenant.ts'
export { backupFull } from './backup/backup-full.ts'
export { readManifest, type Manifest } from './backup/manifest.ts'
export { restoreFull } from './backup/restore-full.ts'
export { restoreTenant } from './backup/restore-tenant.ts'
export { openDriverPool } from '../postgres/session/driver-pool.ts'
export { Session } from '../postgres/session/session.ts'
export { recordAccess } from './audit/record-access.ts'
export { ensureAuditPartitions, type AuditPartitions } from './audit/partitions.ts'
export { ensureAuditTriggers } from './audit/triggers.ts'
export { readTrail, type TrailEntry } from './audit/read-trail.ts'
export { withAuditedTenant } from './audit/with-audited-tenant.ts'
export { validateTenantIsolationHealth } from './health/tenant-isolation-health.ts'
export { validateRlsPolicies } from './health/rls-policies.ts'
export { validateTenantIndexes } from './health/tenant-indexes.ts'
export { validateCrossTenantQueries } from './health/cross-tenant-queries.ts'
export { validateTenantContextLeaks } from './health/context-leaks.ts'
export type { HealthCheck, HealthSubject } from './health/health-check.ts'
export { collectMetrics, type MetricsSubject } from './metrics/collect-metrics.ts'
export { prometheusText, type Sample } from './metrics/sample.ts'
