/** The variants that are compared, and how the one backend is switched between them. */

import type { Tenant } from '../../model/tenant.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { speedSchemas, type IsolatingTitle, type SharedVariant } from './speed-database.ts'

export interface Variant {
  readonly title: string
  /** Statements outside the timed part that put the backend into the variant, for a tenant. */
  enter(tenant: Tenant): string
  /** True when the query itself must name the tenant. */
  readonly explicitTenant: boolean
}

/** No row security, the tenant in the WHERE clause: what everything else is compared with. */
export const plain: Variant = {
  title: 'plain',
  explicitTenant: true,
  enter: () => inSchema('plain'),
}

/** The plain variant once more: what it differs by from itself is the noise of the run. */
export const plainAgain: Variant = { ...plain, title: 'plain (A/A)' }

/** The tenancies on trial: none of their queries names the tenant. */
export const isolating: readonly Variant[] = [
  withContext('hardened'),
  withContext('as-written'),
  {
    title: 'schema-per-tenant',
    explicitTenant: false,
    enter: (tenant) =>
      `RESET ROLE; SET ROLE ${identifier(tenant.role)}; SET search_path = ${identifier(tenant.schema)}`,
  },
]

/** The functions of the seed name no schema, so the schema is entered by the search path. */
function withContext(title: SharedVariant): Variant {
  return {
    title,
    explicitTenant: false,
    enter: (tenant) =>
      `${inSchema(title)}; SELECT set_config('app.current_tenant_id', ${literal(tenant.id)}, false)`,
  }
}

/** All of them, or those that are asked for. */
export function isolatingAmong(titles: readonly IsolatingTitle[] | undefined): readonly Variant[] {
  return titles === undefined ? isolating : isolating.filter(({ title }) => titles.some((each) => each === title))
}

function inSchema(variant: SharedVariant): string {
  return `RESET ROLE; SET search_path = ${speedSchemas[variant]}`
}
