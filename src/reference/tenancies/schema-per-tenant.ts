/** Each tenant has a schema and a role; a transaction-scoped role and search_path say who is asking. */

import { tablesOf } from '../../dotmac/models/index.ts'
import { refreshSql } from '../../dotmac/objects.ts'
import {
  createPlatformSchemasSql,
  createTenantSchemaSql,
  schemaOfTable,
  sharedSchema,
} from '../../dotmac/schema-manager.ts'
import { bindSchema, sessionScoped, transactionScoped } from '../../dotmac/tenant-session.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Tenant } from '../../model/tenant.ts'
import type { Tenancy } from './tenancy.ts'

export const schemaPerTenant: Tenancy = {
  name: 'schema-per-tenant',
  title: 'Schema per tenant',
  install: ({ service, tenants, roles }) => [
    createPlatformSchemasSql(service, roles),
    `GRANT USAGE ON SCHEMA ${sharedSchema} TO ${identifier(roles.app)};
${tablesOf(service)
  .filter((table) => table.placement === 'shared')
  .map(
    (table) =>
      `GRANT SELECT ON ${sharedSchema}.${identifier(table.name)} TO ${identifier(roles.app)};`,
  )
  .join('\n')}`,
    ...tenants.map((tenant) => createTenantSchemaSql(service, tenant, roles)),
  ],
  afterLoad: ({ service, tenants }) => tenants.map((tenant) => refreshSql(service, tenant.schema)),
  schemaOf: schemaOfTable,
  enter,
  strategies: [
    { strategy: transactionScoped(bindSchema), behindPooler: true },
    { strategy: sessionScoped(bindSchema), behindPooler: false },
  ],
  missingContexts: (tenant) => [
    { state: 'never set', prelude: [], freshSession: true },
    {
      state: 'set and committed',
      prelude: [...enter(tenant), 'COMMIT', 'BEGIN'],
      freshSession: false,
    },
    {
      state: 'empty',
      prelude: [`SELECT set_config('search_path', '', true)`],
      freshSession: false,
    },
    ...[tenant.schema, `${tenant.schema}, public`, 'no_such_schema', '"$user", public', '*'].map(
      (path) => ({
        state: 'malformed' as const,
        freshSession: false,
        prelude: [`SELECT set_config('search_path', ${literal(path)}, true)`],
      }),
    ),
  ],
  objectName: (relation, tenants) =>
    tenants.has(relation.schema) ? relation.name : `${relation.schema}.${relation.name}`,
  tenantOf: (relation, tenants) => tenants.get(relation.schema) ?? null,
}

/**
 * Role and path of the tenant until the transaction ends. pg_temp comes last, so that a temporary
 * table cannot stand in front of the tenant's own (CVE-2007-2138 and its kind).
 */
function enter(tenant: Tenant): readonly string[] {
  return [
    `SET LOCAL ROLE ${identifier(tenant.role)}`,
    `SET LOCAL search_path = ${identifier(tenant.schema)}, ${sharedSchema}, pg_temp`,
    `SELECT set_config('app.current_tenant_id', ${literal(tenant.id)}, true)`,
  ]
}
