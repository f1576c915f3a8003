/** A token may outlive its tenant: the trail has no place for such a one, and the answer must say why. */

import { sqlstateOf, WatertightError } from '../../errors.ts'
import type { StrategyPool, StrategySession } from '../../model/context-strategy.ts'
import { tenantNames } from '../tenant-names.ts'
import { withTenant, type TenantReference } from '../with-tenant.ts'

type Pool = Pick<StrategyPool, 'connect'>

/** withTenant that tells a tenant who is not there from work that went wrong. @throws also WATERTIGHT_NO_TENANT. */
export async function withKnownTenant<T>(
  pool: Pool, tenant: TenantReference, work: (session: StrategySession) => Promise<T>,
): Promise<T> {
  try {
    return await withTenant(pool, tenant, work)
  } catch (error) {
    if (!await isUnknown(pool, tenant, error)) throw error
    throw new WatertightError('WATERTIGHT_NO_TENANT', `There is no tenant ${JSON.stringify(tenant.id)}`, {
      hint: 'Its rows may have been deleted; ask the issuer for a token of a tenant that is there', cause: error })
  }
}

/** The trail refers to the list of tenants; under schema-per-tenant a tenant has a role. */
async function isUnknown(pool: Pool, { id, tenancy, mapped }: TenantReference, error: unknown): Promise<boolean> {
  const sqlstate = sqlstateOf(error)
  const { table } = error as { readonly table?: unknown }
  if (sqlstate === '23503') return typeof table === 'string' && table.startsWith('audit_tenant_access')
  if (sqlstate !== '22023' || tenancy !== 'schema-per-tenant') return false
  const client = await pool.connect()
  try {
    const role = mapped?.role ?? tenantNames(id).role
    return (await client.query('SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1', [role])).rows.length === 0
  } finally {
    client.release()
  }
}
