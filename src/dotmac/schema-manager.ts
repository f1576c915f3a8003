/** Schema-per-tenant: one schema and one role per tenant, made whole or not at all. */

import type { Service } from '../model/tenancy.ts'
import type { Tenant } from '../model/tenant.ts'
import { identifier, literal } from '../sql/identifier.ts'
import { createKeysSql, createTablesSql, updatedAtSql } from './models/ddl.ts'
import { tablesOf } from './models/index.ts'
import type { TableModel } from './models/model.ts'
import { auditTriggersSql } from './audit/triggers.ts'
import { objectGrantsSql, objectsSql } from './objects.ts'
import type { RoleNames } from '../model/roles.ts'
import { roleSql } from './roles.ts'

/** Reference data that every tenant reads. */
export const sharedSchema = 'dotmac_shared'
/** The platform's own tables: which tenant has which schema. No tenant enters it. */
export const controlSchema = 'dotmac_control'

/** Schema of a table of this service for a tenant. */
export function schemaOfTable(table: TableModel, tenant: Pick<Tenant, 'schema'>): string {
  if (table.placement === 'shared') return sharedSchema
  return table.placement === 'control' ? controlSchema : tenant.schema
}

/** The two schemas that are not a tenant's. */
export function createPlatformSchemasSql(service: Service, roles: RoleNames): string {
  const tables = tablesOf(service).filter((table) => table.placement !== 'tenant')
  const options = {
    keys: 'tenant' as const,
    schemaOf: (table: TableModel) => schemaOfTable(table, { schema: '' }),
  }
  const [owner, admin] = [identifier(roles.owner), identifier(roles.admin)]
  return [
    'REVOKE ALL ON SCHEMA public FROM PUBLIC;',
    ...[sharedSchema, controlSchema].map(
      (schema) => `CREATE SCHEMA ${schema} AUTHORIZATION ${owner};
GRANT USAGE ON SCHEMA ${schema} TO ${admin};`,
    ),
    createTablesSql(tables, options),
    createKeysSql(tables, options),
    updatedAtSql(tables, options),
    `ALTER FUNCTION ${controlSchema}.touch_updated_at() OWNER TO ${owner};`,
    ...tables.map((table) => {
      const name = `${schemaOfTable(table, { schema: '' })}.${identifier(table.name)}`
      return `ALTER TABLE ${name} OWNER TO ${owner}; GRANT SELECT ON ${name} TO ${admin};`
    }),
  ].join('\n')
}

/**
 * One tenant: role, schema, tables, views, grants, in one string for one transaction.
 * Plain CREATE SCHEMA, never IF NOT EXISTS: a schema that is already there may hold another
 * tenant's rows (a collision, or an earlier customer of the same name), so it is an error (42P06).
 */
export function createTenantSchemaSql(service: Service, tenant: Tenant, roles: RoleNames): string {
  const [schema, role] = [identifier(tenant.schema), identifier(tenant.role)]
  const [owner, admin] = [identifier(roles.owner), identifier(roles.admin)]
  const tables = tablesOf(service).filter((table) => table.placement === 'tenant')
  const options = { keys: 'tenant' as const, schemaOf: () => tenant.schema, onlyTenant: tenant.id }
  return [
    roleSql(tenant.role, 'NOLOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE'),
    `GRANT ${role} TO ${identifier(roles.app)};`,
    `CREATE SCHEMA ${schema} AUTHORIZATION ${owner};`,
    `GRANT USAGE ON SCHEMA ${schema} TO ${role}, ${admin};`,
    `GRANT USAGE ON SCHEMA ${sharedSchema} TO ${role};`,
    createTablesSql(tables, options),
    createKeysSql(tables, options),
    updatedAtSql(tables, options),
    `SET LOCAL search_path = ${schema}, pg_catalog;`,
    objectsSql(service),
    auditTriggersSql(tenant.schema),
    ...tables.map((table) => {
      const name = `${schema}.${identifier(table.name)}`
      return `ALTER TABLE ${name} OWNER TO ${owner};
GRANT ${table.privileges.join(', ')} ON ${name} TO ${role}; GRANT SELECT ON ${name} TO ${admin};`
    }),
    objectGrantsSql(service, {
      schema: tenant.schema,
      roles,
      readers: [tenant.role, roles.admin],
      writers: [tenant.role],
    }),
    ...tablesOf(service)
      .filter((table) => table.placement === 'shared')
      .map((table) => `GRANT SELECT ON ${sharedSchema}.${identifier(table.name)} TO ${role};`),
    `COMMENT ON SCHEMA ${schema} IS ${literal(`tenant ${tenant.id}`)};`,
  ].join('\n')
}
