/** The tenancies by name. */

import type { TenancyName } from '../../model/tenancy.ts'
import { rowLevelSecurity } from './row-level-security.ts'
import { schemaPerTenant } from './schema-per-tenant.ts'
import type { Tenancy } from './tenancy.ts'

export function tenancyOf(name: TenancyName): Tenancy {
  return name === 'row-level-security' ? rowLevelSecurity : schemaPerTenant
}
