/** The tables that hold a tenant's rows, wherever the tenancy keeps them, and what is in them. */

import type { Service, TenancyName } from '../../model/tenancy.ts'
import { identifier, literal, qualified } from '../../postgres/identifier.ts'
import type { Session } from '../../postgres/session.ts'
import type { MappedTenant } from '../migrations/places.ts'
import { columnsOf, isTenantAware } from '../models/model.ts'
import { tablesOf } from '../models/index.ts'
import { schemaOfTable } from '../schema-manager.ts'

export interface TenantTable {
  readonly service: Service
  readonly name: string
  /** Qualified and quoted. */
  readonly address: string
  readonly columns: readonly string[]
  /** SQL condition that keeps other tenants' rows out, in a schema of its own too. */
  readonly condition: string
}

/** In foreign-key order. */
export function tenantTables(service: Service, tenancy: TenancyName, tenant: MappedTenant): readonly TenantTable[] {
  return tablesOf(service).filter(isTenantAware).map((table) => ({
    service, name: table.name, columns: columnsOf(table).map(({ name }) => name),
    address: qualified({
      schema: tenancy === 'row-level-security' ? 'public' : schemaOfTable(table, tenant), name: table.name,
    }),
    condition: `tenant_id = ${literal(tenant.id)}`,
  }))
}

export interface Content {
  readonly rows: number
  /** Over all rows and columns, whatever their order. */
  readonly hash: string
}

/** Texts of values must not depend on who asks. */
export const textSettings = ['TimeZone = UTC', 'DateStyle = ISO', 'IntervalStyle = postgres', 'bytea_output = hex',
  'extra_float_digits = 1'].map((setting) => `SET LOCAL ${setting}`).join('; ')

/** The tenant's rows as they are; needs a transaction, and a session that sees every row. */
export async function contentOf(session: Session, { address, columns, condition }: TenantTable): Promise<Content> {
  const whole = `ROW(${columns.map(identifier).join(', ')})::text`
  const [row] = await session.query(`${textSettings};
    SELECT count(*) AS rows, coalesce(sum(hashtextextended(${whole}, 0)::numeric), 0) AS hash
    FROM ${address} WHERE ${condition}`)
  return { rows: Number(row?.['rows']), hash: String(row?.['hash']) }
}
