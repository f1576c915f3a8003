/** Recognises planted rows in any output, by the tag in their ids and the watermark in their texts. */

import type { Row } from '../model/observation.ts'
import type { Ownership } from '../model/ownership.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'

/** A planted uuid (version 8, variant a) or a watermark; group 1 is the tag, group 2 the watermark. */
const marks = /([0-9a-f]{8})-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}|\b(w[0-9a-v]{9})\b/g

export function ownershipOf(tenants: readonly Tenant[]): Ownership {
  const byMark = new Map(tenants.flatMap((tenant) => [[tenant.tag, tenant.id], [tenant.watermark, tenant.id]] as const))
  const known = new Set(tenants.map((tenant) => tenant.id))
  const collect = (value: unknown, owners: Set<TenantId>): void => {
    if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number') return
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    for (const match of text.matchAll(marks)) {
      const owner = byMark.get(match[1] ?? match[2] ?? '')
      if (owner !== undefined) owners.add(owner)
    }
  }
  return {
    ownerOfValue: (value) => {
      const owners = new Set<TenantId>()
      collect(value, owners)
      const [first] = owners
      return first ?? null
    },
    ownersIn: (row, options) => ownersOfRow(row, options?.tenantColumn ?? null, { known, collect }),
  }
}

interface Recognition {
  readonly known: ReadonlySet<TenantId>
  readonly collect: (value: unknown, owners: Set<TenantId>) => void
}

function ownersOfRow(row: Row, tenantColumn: string | null, { known, collect }: Recognition): ReadonlySet<TenantId> {
  const owners = new Set<TenantId>()
  for (const [name, value] of Object.entries(row)) {
    if (name === tenantColumn && typeof value === 'string' && known.has(value)) owners.add(value)
    else collect(value, owners)
  }
  return owners
}
