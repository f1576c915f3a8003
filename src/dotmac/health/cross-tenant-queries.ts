/** validateCrossTenantQueries: asks for foreign rows as the application, and undoes everything. */

import { sqlstateOf } from '../../errors.ts'
import type { StrategySession } from '../../model/context-strategy.ts'
import { identifier, literal } from '../../postgres/identifier.ts'
import { tablesOf } from '../models/index.ts'
import type { TableModel } from '../models/model.ts'
import type { MappedTenant } from '../migrations/places.ts'
import { healthCheck, inTenant, type HealthCheck, type HealthSubject } from './health-check.ts'

class Undo extends Error {}

/** Refuses to say ok with fewer than two tenants: there is nothing foreign then. */
export async function validateCrossTenantQueries(subject: HealthSubject): Promise<HealthCheck> {
  const { tenants, service, tenancy, admin } = subject
  const tables = tablesOf(service).filter((table) => table.placement === 'tenant')
  const findings: string[] = []
  const counts = { pairs: 0, statements: 0, foreignRows: 0 }
  for (const [index, tenant] of tenants.entries()) {
    const other = tenants[(index + 1) % tenants.length]
    if (other === undefined || other.id === tenant.id) continue
    counts.pairs += 1
    for (const table of tables) {
      const at = `${identifier(tenancy === 'schema-per-tenant' ? other.schema : 'public')}.${identifier(table.name)}`
      const [row] = await admin.query(`SELECT count(*) AS n FROM ${at} WHERE tenant_id = ${literal(other.id)}`)
      counts.foreignRows += Number(row?.['n'] ?? 0)
    }
    await inTenant(subject, tenant, async (session) => {
      for (const table of tables) {
        const schema = tenancy === 'schema-per-tenant' ? other.schema : 'public'
        findings.push(...await askTable(session, { table, schema, other, counts }))
      }
      throw new Undo()
    }).catch((error: unknown) => { if (!(error instanceof Undo)) throw error })
  }
  return healthCheck('validateCrossTenantQueries', findings, counts)
}

interface Asked {
  readonly table: TableModel
  readonly schema: string
  readonly other: MappedTenant
  readonly counts: { statements: number }
}

/** Any answer but rows or 42501 is a finding too: it proves nothing. */
async function askTable(session: StrategySession, { table, schema, other, counts }: Asked): Promise<readonly string[]> {
  const at = `${identifier(schema)}.${identifier(table.name)}`
  const foreign = `tenant_id = ${literal(other.id)}`
  const findings: string[] = []
  for (const [verb, sql] of [
    ['SELECT', `SELECT 1 FROM ${at} WHERE ${foreign} LIMIT 1`],
    ['UPDATE', `UPDATE ${at} SET tenant_id = tenant_id WHERE ${foreign} RETURNING 1`],
    ['DELETE', `DELETE FROM ${at} WHERE ${foreign} RETURNING 1`],
    // A policy speaks before NOT NULL does, so a row without its other columns will do.
    ['INSERT', `INSERT INTO ${at} (tenant_id) VALUES (${literal(other.id)})`],
  ] as const) {
    counts.statements += 1
    await session.query('SAVEPOINT ask')
    try {
      const { rows } = await session.query(sql)
      if (rows.length > 0) findings.push(`${table.name}: ${verb} reached rows of another tenant`)
    } catch (error) {
      const code = sqlstateOf(error)
      if (code !== '42501') {
        findings.push(`${table.name}: ${verb} of foreign rows ended with ${code ?? 'a lost connection'}`)
      }
    }
    await session.query('ROLLBACK TO SAVEPOINT ask')
  }
  return findings
}
