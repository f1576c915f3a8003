/** Which of the listed tenants have their tables in a database: one whose creation was cut off has none. */

import type { Service, TenancyName } from '../model/tenancy.ts'
import { identifier, literal } from '../sql/identifier.ts'
import type { Session } from '../postgres/session/session.ts'
import type { MappedTenant } from './migrations/places.ts'
import { controlSchema } from './schema-manager.ts'

export interface TenantWithout {
  readonly service: Service
  readonly tenant: string
  readonly schema: string
  /** As the tenants table says; `provisioning` never had rows, any other status says that something is lost. */
  readonly status: string
}

export interface TenantsHere {
  readonly here: readonly MappedTenant[]
  readonly without: readonly TenantWithout[]
}

export interface TenantsQuestion {
  readonly sessions: Readonly<Record<Service, Session>>
  readonly tenancy: TenancyName
  readonly tenants: readonly MappedTenant[]
  /** Tables that a tenant's schema must have; default the audit trail, which every schema has. */
  readonly tables?: readonly string[]
}

/** Under row-level security all are here: the tables are everybody's. */
export async function tenantsHere(
  service: Service,
  { sessions, tenancy, tenants, tables = ['audit_tenant_access'] }: TenantsQuestion,
): Promise<TenantsHere> {
  if (tenancy === 'row-level-security') return { here: tenants, without: [] }
  const wanted = [...new Set(tables)]
  const complete = new Set(
    (
      await sessions[service].query(`SELECT n.nspname AS schema FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relname IN (${wanted.map(literal).join(', ')})
    GROUP BY 1 HAVING count(*) = ${wanted.length}`)
    ).map((row) => row['schema']),
  )
  const missing = tenants.filter(({ schema }) => !complete.has(schema))
  if (missing.length === 0) return { here: tenants, without: [] }
  const statuses = new Map(
    (
      await sessions.management.query(`SELECT tenant_id, status FROM
    ${identifier(controlSchema)}.tenants`)
    ).map((row) => [row['tenant_id'], String(row['status'])]),
  )
  return {
    here: tenants.filter(({ schema }) => complete.has(schema)),
    without: missing.map(({ id, schema }) => ({
      service,
      tenant: id,
      schema,
      status: statuses.get(id) ?? 'unknown',
    })),
  }
}

/** A tenant that is being made has nothing that could be missed. */
export function isLost({ status }: TenantWithout): boolean {
  return status !== 'provisioning'
}

export function sentenceOf({ service, tenant, schema, status }: TenantWithout): string {
  return (
    `the tenant ${JSON.stringify(tenant)} (${status}) lacks tables in the schema ${schema} of ${service}, ` +
    'so nothing of it is here'
  )
}
