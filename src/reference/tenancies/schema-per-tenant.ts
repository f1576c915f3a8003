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
import { identifier } from '../../sql/identifier.ts'
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
  // pg_temp comes last, so that a temporary table cannot stand in front of the tenant's own (CVE-2007-2138).
  context: {
    scope: 'transaction',
    enter: [
      { kind: 'role', role: '{tenant.role}' },
      { kind: 'search_path', path: ['{tenant.schema}', sharedSchema, 'pg_temp'] },
      { kind: 'setting', name: 'app.current_tenant_id', value: '{tenant.id}' },
    ],
  },
  separatedBy: 'places',
  strategies: [
    { strategy: transactionScoped(bindSchema), behindPooler: true },
    { strategy: sessionScoped(bindSchema), behindPooler: false },
  ],
}
