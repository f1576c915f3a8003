/** The variants that are compared, and how the one backend is switched between them. */

import type { Variant } from '../../gauge/variant.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { speedSchemas, type SharedVariant } from './speed-database.ts'

/** No row security, the tenant in the WHERE clause: what everything else is compared with. */
export const plain: Variant = {
  title: 'plain',
  explicitTenant: true,
  enter: () => inSchema('plain'),
}

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
export function isolatingAmong(titles: readonly string[] | undefined): readonly Variant[] {
  return titles === undefined
    ? isolating
    : isolating.filter(({ title }) => titles.some((each) => each === title))
}

function inSchema(variant: SharedVariant): string {
  return `RESET ROLE; SET search_path = ${speedSchemas[variant]}`
}
