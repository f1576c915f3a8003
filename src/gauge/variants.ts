/** The variants that are compared, and how the one backend is switched between them. */

import type { Tenant } from '../model/tenant.ts'
import { identifier, literal } from '../postgres/identifier.ts'
import { speedSchemas } from './speed-database.ts'

export const referenceVariant = 'explicit WHERE'

export interface Variant {
  readonly title: string
  /** Statements outside the timed part that put the backend into the variant, for a tenant. */
  enter(tenant: Tenant): string
  /** True when the query itself must name the tenant. */
  readonly explicitTenant: boolean
}

const inSchema = (schema: string) => `RESET ROLE; SET search_path = ${schema}`

/** No row security, the tenant in the WHERE clause: what everything else is compared with. */
export const plain: Variant = {
  title: referenceVariant,
  explicitTenant: true,
  enter: () => inSchema(speedSchemas.plain),
}

export const comparedVariants: readonly Variant[] = [
  { ...plain, title: `${referenceVariant} (A/A)` },
  {
    title: 'hardened',
    explicitTenant: false,
    enter: (tenant) =>
      `${inSchema(speedSchemas.hardened)}; SELECT set_config('app.current_tenant_id', ${literal(tenant.id)}, false)`,
  },
  {
    title: 'as-written',
    explicitTenant: false,
    enter: (tenant) =>
      `${inSchema(speedSchemas['as-written'])}; SELECT set_config('app.current_tenant_id', ${literal(tenant.id)}, false)`,
  },
  {
    title: 'schema-per-tenant',
    explicitTenant: false,
    enter: (tenant) =>
      `RESET ROLE; SET ROLE ${identifier(tenant.role)}; SET search_path = ${identifier(tenant.schema)}`,
  },
]
