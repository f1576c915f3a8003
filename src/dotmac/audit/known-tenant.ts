/** A token may outlive its tenant: the trail has no place for such a one, and the answer must say why. */

import { sqlstateOf, WatertightError } from '../../errors.ts'
import type { StrategyPool, StrategySession } from '../../model/context-strategy.ts'
import { tenantNames } from '../tenant-names.ts'
import { withTenant, type TenantReference } from '../with-tenant.ts'

type Pool = Pick<StrategyPool, 'connect'>

/** withTenant that tells a tenant who is not there from work that went wrong. @throws also WATERTIGHT_NO_TENANT. */
export async function withKnownTenant<T>(
  pool: Pool,
  tenant: TenantReference,
  work: (session: StrategySession) => Promise<T>,
): Promise<T> {
  try {
    return await withTenant(pool, tenant, work)
  } catch (error) {
    if (!(await isUnknown(pool, tenant, error))) throw error
    throw noTenant(tenant.id, error)
  }
}

export function noTenant(id: string, cause?: unknown): WatertightError {
  return new WatertightError('WATERTIGHT_NO_TENANT', `There is no tenant ${JSON.stringify(id)}`, {
    hint: 'It was deleted, or is not made yet; ask the issuer for a token of a tenant that is there',
    cause,
  })
}

/** The trail refers to the list of tenants; under schema-per-tenant a tenant has a role and a schema. */
async function isUnknown(
  pool: Pool,
  { id, tenancy, mapped }: TenantReference,
  error: unknown,
): Promise<boolean> {
  const sqlstate = sqlstateOf(error) ?? ''
  const { table } = error as { readonly table?: unknown }
  if (sqlstate === '23503')
    return typeof table === 'string' && table.startsWith('audit_tenant_access')
  if (!['22023', '42P01', '3F000'].includes(sqlstate) || tenancy !== 'schema-per-tenant')
    return false
  const client = await pool.connect()
  try {
    const { role, schema } = mapped ?? tenantNames(id)
    return (
      (
        await client.query(
          `SELECT 1 FROM pg_catalog.pg_roles
      JOIN pg_catalog.pg_namespace ON nspname = $2 WHERE rolname = $1`,
          [role, schema],
        )
      ).rows.length === 0
    )
  } finally {
    client.release()
  }
}
