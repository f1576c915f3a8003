/** Plants a mutant's SQL in a clone, and notices what reaches beyond the clone before anybody else can see it. */

import { identifier } from '../../sql/identifier.ts'
import { sharedSchema } from '../../dotmac/schema-manager.ts'
import { readClusterRoles, sameClusterRoles, type ClusterRoles } from './cluster-roles.ts'
import type { Mutant } from './mutant.ts'
import type { OpenSite } from '../../reference/site/open-site.ts'
import { adminSession } from '../../reference/site/provision.ts'

export interface PlantOptions {
  readonly database: string
  readonly mutant: Mutant
  /** The server's roles as they must stay while others are tried; null when nobody else is. */
  readonly unchanged: ClusterRoles | null
}

/**
 * Runs the SQL as the superuser, as one transaction. Returns false, and leaves the clone as it was, when
 * the SQL changes roles of the server, or cannot run beside others: it must then be planted alone.
 * @throws the driver's error when it is planted alone and fails.
 */
export async function plant(
  open: OpenSite,
  { database, mutant, unchanged }: PlantOptions,
): Promise<boolean> {
  if (mutant.sql === null) return true
  const sql = withRoleNames(mutant.sql, open)
  await using session = await adminSession(open.site.address, database)
  await session.query(`SET search_path = ${searchPath(open, mutant)}`)
  if (unchanged === null) {
    await session.query(sql)
    return true
  }
  // A script that ends our transaction would show the others what it did.
  if (/\b(commit|rollback)\b/i.test(sql)) return false
  try {
    await session.query(`BEGIN; ${sql}`)
    if (sameClusterRoles(await readClusterRoles(session), unchanged)) {
      await session.query('COMMIT')
      return true
    }
  } catch {
    // It may wait for a lock of another mutant, or refuse transactions: alone its error counts.
  }
  await session.query('ROLLBACK')
  return false
}

function searchPath({ site }: OpenSite, { tenancy }: Mutant): string {
  const first = site.tenants[0]
  return tenancy === 'schema-per-tenant' && first !== undefined
    ? `${identifier(first.schema)}, ${sharedSchema}, public`
    : 'public'
}

/** Plain role names in the text are those of the seed document; on a shared server ours may differ. */
function withRoleNames(sql: string, { site }: OpenSite): string {
  const names = new Map<string, string>([
    ['dotmac_owner', site.namespace.roles.owner],
    ['dotmac_app', site.namespace.roles.app],
    ['dotmac_admin', site.namespace.roles.admin],
    ...site.plan.plannedTenants.map(
      (tenant, index) => [tenant.role, site.tenants[index]?.role ?? tenant.role] as const,
    ),
  ])
  const changed = [...names].filter(([plain, real]) => plain !== real)
  if (changed.length === 0) return sql
  return sql.replace(/\b[a-z_][a-z0-9_]*\b/g, (word) => names.get(word) ?? word)
}
