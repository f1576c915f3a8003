/** Names of the ways tenants are kept apart, shared by every stage of the corridor. */

export const tenancies = ['row-level-security', 'schema-per-tenant'] as const
export type TenancyName = (typeof tenancies)[number]

/** `hardened` is judged by the gate; `as-written` is the seed document's own SQL, reported beside it. */
export type Variant = 'hardened' | 'as-written'

/** The two databases of the platform; the migration order is management first. */
export const services = ['management', 'isp'] as const
export type Service = (typeof services)[number]

/** Identity of one world: one database under one tenancy. */
export interface WorldId {
  readonly service: Service
  readonly tenancy: TenancyName
  readonly variant: Variant
}

/** One text per world, used in fingerprints: `isp/row-level-security/hardened`. */
export function worldKey(id: WorldId): string {
  return `${id.service}/${id.tenancy}/${id.variant}`
}
