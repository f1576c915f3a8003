/** Schema and role of a tenant as they are in the database: the tenants table may map a tenant to names of its own. */

import { WatertightError } from '../../errors.ts'
import type { StrategyPool } from '../../model/context-strategy.ts'
import { tenantNames, type TenantNames } from '../tenant-names.ts'

/** Undefined for a tenant that has no schema here; then the names that follow from its id lead nowhere. */
export type TenantMapping = (tenantId: string) => Promise<TenantNames | undefined>

/** What a migration wrote of the mapping and the application may read: whose schema it is, and who may use it. */
const mappingSql = `SELECT n.nspname AS schema, r.rolname AS role
  FROM pg_catalog.pg_description d JOIN pg_catalog.pg_namespace n ON n.oid = d.objoid
  CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
  WHERE d.classoid = 'pg_catalog.pg_namespace'::regclass AND d.objsubid = 0 AND d.description = 'tenant ' || $1
    AND a.privilege_type = 'USAGE' AND r.oid <> n.nspowner AND NOT r.rolcanlogin
    AND pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER') ORDER BY 1, 2`

const rememberedMax = 10_000

/** Each tenant is asked for once in maxAgeMs, default 30,000; of 10,000 tenants at most the answers are kept. */
export function tenantMapping(
  poolOf: (tenantId: string) => Pick<StrategyPool, 'connect'>,
  { maxAgeMs = 30_000 }: { maxAgeMs?: number } = {},
): TenantMapping {
  const remembered = new Map<
    string,
    { readonly until: number; readonly names: Promise<TenantNames | undefined> }
  >()
  return (tenantId) => {
    const known = remembered.get(tenantId)
    if (known !== undefined && known.until > Date.now()) return known.names
    const names = mapped(poolOf(tenantId), tenantId)
    remembered.delete(tenantId)
    remembered.set(tenantId, { until: Date.now() + maxAgeMs, names })
    // What failed is asked again by the next request.
    names.catch(() => {
      remembered.delete(tenantId)
    })
    for (const oldest of remembered.keys()) {
      if (remembered.size <= rememberedMax) break
      remembered.delete(oldest)
    }
    return names
  }
}

async function mapped(
  pool: Pick<StrategyPool, 'connect'>,
  tenantId: string,
): Promise<TenantNames | undefined> {
  const client = await pool.connect()
  let broken = true
  try {
    const { rows } = await client.query(mappingSql, [tenantId])
    broken = false
    const found = rows.map((row) => ({ schema: String(row['schema']), role: String(row['role']) }))
    const usual = tenantNames(tenantId)
    const isUsual = (each: TenantNames) => each.schema === usual.schema && each.role === usual.role
    if (found.length <= 1 || found.some(isUsual)) return found.find(isUsual) ?? found[0]
    throw new WatertightError(
      'WATERTIGHT_AMBIGUOUS_TENANT',
      `The tenant ${JSON.stringify(tenantId)} is in several places: ` +
        found.map(({ schema, role }) => `${schema} as ${role}`).join(', '),
      {
        hint: "One schema is a tenant's, and one role may use it: take the comment or the right from the others",
      },
    )
  } finally {
    client.release(broken)
  }
}
