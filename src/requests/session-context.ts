/**
 * The context oracle: which tenant the server itself says a session belongs to, by the setting, the
 * role and the search_path. It sees a wrong context also where no row follows from it.
 */

import type { Row } from '../model/observation.ts'
import type { Tenant } from '../model/tenant.ts'
import type { TenancyName } from '../model/tenancy.ts'

/** Select-list items that every look asks for. */
export const contextColumns =
  "pg_backend_pid() AS pid, current_setting('app.current_tenant_id', true) AS context_setting, " +
  "current_user::text AS context_role, array_to_string(current_schemas(false), ' ') AS context_path"

/** One tenant that the server names, and where. */
export interface ContextClaim {
  readonly tenant: Tenant
  readonly by: 'app.current_tenant_id' | 'current_user' | 'search_path'
}

export interface ClaimedBy {
  readonly tenancy: TenancyName
  readonly tenants: readonly Tenant[]
}

/** Every tenant that the row's context columns name; a context that names nobody claims nothing. */
export function claimsIn(
  row: Row | undefined,
  { tenancy, tenants }: ClaimedBy,
): readonly ContextClaim[] {
  if (row === undefined) return []
  const claims: ContextClaim[] = []
  const named = (by: ContextClaim['by'], matches: (tenant: Tenant) => boolean) => {
    for (const tenant of tenants) if (matches(tenant)) claims.push({ tenant, by })
  }
  named('app.current_tenant_id', (tenant) => row['context_setting'] === tenant.id)
  // Under row-level security roles and paths are the same for everybody and identify nobody.
  if (tenancy === 'schema-per-tenant') {
    const path = new Set(String(row['context_path'] ?? '').split(' '))
    named('current_user', (tenant) => row['context_role'] === tenant.role)
    named('search_path', (tenant) => path.has(tenant.schema))
  }
  return claims
}

/** The backend that an answer names; null where no row came back, or none says who answered. */
export function backendIn(rows: readonly Row[]): number | null {
  const pid = Number(rows[0]?.['pid'] ?? NaN)
  return Number.isSafeInteger(pid) && pid > 0 ? pid : null
}
