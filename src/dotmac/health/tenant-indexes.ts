/** validateTenantIndexes: the seed's indexes exist, are valid and lead as they should; no key leaves out the tenant. */

import { indexesOf } from '../models/names.ts'
import { tablesOf } from '../models/index.ts'
import { healthCheck, type HealthCheck, type HealthSubject } from './health-check.ts'
import { tenantKeys } from './tenant-keys.ts'

/** In a tenant's own schema composites begin with their second column: see models/ddl.ts. */
export async function validateTenantIndexes(subject: HealthSubject): Promise<HealthCheck> {
  const { admin, service, tenancy, tenants } = subject
  const isShared = tenancy === 'row-level-security'
  const rows = await admin.query(`SELECT n.nspname AS schema, t.relname AS table, c.relname AS name,
      i.indisvalid AND i.indisready AS valid, a.attname AS lead
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]`)
  const found = new Map(
    rows.map((row) => [JSON.stringify([row['schema'], row['table'], row['name']]), row]),
  )
  const schemas = isShared ? ['public'] : tenants.map((tenant) => tenant.schema)
  const findings: string[] = []
  let indexes = 0
  for (const schema of schemas) {
    for (const table of tablesOf(service).filter(
      (each) => isShared || each.placement === 'tenant',
    )) {
      for (const { name, columns } of indexesOf(table)) {
        const lead = isShared
          ? columns[0]
          : (columns.find((column) => column !== 'tenant_id') ?? columns[0])
        const row = found.get(JSON.stringify([schema, table.name, name]))
        indexes += 1
        if (row === undefined) findings.push(`${schema}.${name}: the index is missing`)
        else if (row['valid'] !== 't') findings.push(`${schema}.${name}: the index is not valid`)
        else if (row['lead'] !== lead) {
          findings.push(`${schema}.${name}: leads with ${String(row['lead'])}, not ${lead}`)
        }
      }
    }
  }
  const { keys, findings: wrong } = await tenantKeys(subject)
  return healthCheck(
    'validateTenantIndexes',
    { indexes, ...(isShared ? { keys } : {}) },
    { findings: [...findings, ...wrong], unjudged: [] },
  )
}
